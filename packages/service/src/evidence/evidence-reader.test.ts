import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDecision } from "@armspan/analysis";
import { Experiment } from "@armspan/schema";
import { openStore, type Store } from "@armspan/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadEvidence } from "../test-support/loaded-evidence.ts";
import { EvidenceReader, listMetrics } from "./evidence-reader.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-reader-"));
let store: Store;

const first = Experiment.parse({
	...{
		key: "support-tone",
		hypothesis: "warmer is better",
		owner: "support",
		prompt: "support-reply",
		status: "running",
	},
	variants: [
		{ key: "control", version: "1.0.0" },
		{ key: "friendly", version: "2.0.0" },
	],
	primaryMetric: { metric: "latency", minimumDetectableEffect: 0.05 },
	secondaryMetrics: ["long-answers"],
	metrics: [
		{
			...{ key: "long-answers", source: "calls", kind: "proportion", direction: "decrease" },
			event: [{ column: "output-tokens", atLeast: 120 }],
		},
	],
	maturationHours: 1,
});
/** What the repository says now: other arms, another metric, no maturation. */
const { maturationHours: _, ...rest } = first;
const second = Experiment.parse({
	...{ ...rest, iteration: 2, metrics: [], secondaryMetrics: [] },
	variants: [
		{ key: "control", version: "2.0.0" },
		{ key: "terse", version: "3.0.0" },
	],
	primaryMetric: { metric: "cost", minimumDetectableEffect: 0.1 },
});
const file = (experiment: Experiment) => ({
	...{ file: "experiments/support-tone.yaml", digest: "d".repeat(64), experiment, lineOf: () => 1 },
});
const readerOf = (experiment: Experiment) =>
	new EvidenceReader({ store, intent: () => ({ experiments: [file(experiment)], metrics: [] }) });

beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
	await loadEvidence(store, new Date());
	const context = { experiment: first, experimentDigest: "d".repeat(64), codeVersion: "0.1.0", lastRevision: 1 };
	await store.appendDecision(startDecision(context, new Date(Date.now() - 6 * 86_400_000)));
});
afterAll(async () => {
	await store.close();
	rmSync(folder, { recursive: true });
});

test("an earlier iteration is analysed by the design that it was begun with", async () => {
	const then = await readerOf(first).results("support-tone");
	const later = await readerOf(second).results("support-tone", { iteration: 1 });
	expect(later).toMatchObject({ iteration: 1, status: "stopped", maturationHours: 1 });
	expect(later?.variants.map(({ key, version, units }) => [key, version, units])).toEqual([
		["control", "1.0.0", 200],
		["friendly", "2.0.0", 200],
	]);
	expect(later?.metrics).toEqual(then?.metrics);
	expect(later?.metrics.map(({ metric, role }) => [metric, role])).toEqual([
		["latency", "primary"],
		["long-answers", "secondary"],
	]);
});

test("the current iteration needs no record; one that nobody recorded is refused", async () => {
	const reader = readerOf(second);
	expect(await reader.results("support-tone", { iteration: 2 })).toMatchObject({
		iteration: 2,
		verdict: { kind: "no-data" },
	});
	for (const iteration of [3, 7]) {
		await expect(reader.results("support-tone", { iteration })).rejects.toMatchObject({ code: "UNKNOWN_ITERATION" });
	}
	expect(await reader.results("nobody", { iteration: 1 })).toBeUndefined();
});

test("metrics of experiments are listed with where they are defined", async () => {
	const own = listMetrics({ experiments: [file(first)], metrics: [] }).metrics.at(-1);
	expect(own).toMatchObject({ key: "long-answers", definedBy: "experiments/support-tone.yaml", observations: null });
	const counted = (await readerOf(first).metrics()).metrics.at(-1);
	expect(counted).toMatchObject({ key: "long-answers", unit: "share", observations: 1600, versionUnits: 400 });
	const both = {
		experiments: [file(first)],
		metrics: [{ file: "metrics/m.yaml", metric: first.metrics[0]!, lineOf: () => 1 }],
	};
	const unknown = new EvidenceReader({ store, intent: () => both }).power({
		experiment: "support-tone",
		metric: "none",
	});
	await expect(unknown).rejects.toThrow(/^(?!.*long-answers.*long-answers).*long-answers/);
	const plan = await readerOf(first).power({ experiment: "support-tone", metric: "long-answers" });
	expect(plan).toMatchObject({ metric: "long-answers", maturationDays: 1, plans: [{}, {}, {}, { chosen: true }] });
});
