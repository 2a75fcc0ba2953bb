import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@clickhouse/client";
import { createChdbConnection } from "chdb/connection";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ClientConnection } from "../client-connection.ts";
import { openStore } from "../open-store.ts";
import type { Store } from "../store.ts";
import { encodeSnapshot } from "./encode-snapshot.ts";
import type { Snapshot, SnapshotArm } from "./snapshot.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const folder = mkdtempSync(join(tmpdir(), "armspan-snapshots-"));
let store: Store;
let raw: ClientConnection;

beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
	const embedded = createChdbConnection({ path: folder });
	raw = new ClientConnection(
		createClient({ connection: embedded } as unknown as Parameters<typeof createClient>[0]),
		embedded,
	);
});
afterAll(async () => {
	await raw.close();
	await store.close();
	rmSync(folder, { recursive: true });
});

const ARM: SnapshotArm = {
	...{ metric: "latency", variant: "friendly", arm: "treatment", promptVersion: "2.0.0", weight: 1 },
	...{ armUnits: 200, armCalls: 800, undeliveredCalls: 1, quarantinedCalls: 2, armVerdict: "keep-running" },
	...{ role: "primary", direction: "decrease", metricUnit: "ms", units: 199, observations: 790 },
	...{ estimate: 812.5, standardError: 3.25, against: "control", effect: 90.125, effectLower: 80, effectUpper: 100.5 },
	...{ relativeEffect: 0.125, relativeLower: null, relativeUpper: null, notEstimable: "", level: 0.95 },
	...{ basis: "always-valid", pValue: 1e-12, conclusion: "worse", guardrailStatus: "breached" },
	...{ guardrailOnBreach: "halt", guardrailMargin: 0.1, guardrailLogEValue: 12.5, guardrailLogThreshold: 4.4 },
	nonInferiorityPValue: null,
};
const CONTROL: SnapshotArm = {
	...ARM,
	...{ variant: "control", arm: "control", promptVersion: "1.0.0", armVerdict: "", against: "", conclusion: "" },
	...{ effect: null, effectLower: null, effectUpper: null, relativeEffect: null, level: null, basis: "", pValue: null },
	...{ guardrailStatus: "", guardrailOnBreach: "", guardrailMargin: null },
	...{ guardrailLogEValue: null, guardrailLogThreshold: null },
};

const look = (experiment: string, changes: Partial<Snapshot> = {}): Snapshot => ({
	...{ experiment, iteration: 1, environment: "production", lookAt: new Date("2026-11-20T12:00:00Z"), kind: "look" },
	...{ keep: "ever", computedAt: new Date("2026-11-20T12:00:02.345Z"), prompt: "reply", status: "running" },
	...{ verdict: "keep-running", inference: "always-valid", excludedUnits: 3, immatureUnits: 0 },
	...{ sampleRatioPValue: 0.5, sampleRatioMismatch: false, newestCallAt: new Date("2026-11-20T11:59:59.999Z") },
	...{ codeVersion: "0.1.0", arms: [CONTROL, ARM] },
	...changes,
});

const rowsOf = (experiment: string, columns: string) =>
	raw.query<Record<string, unknown>>(
		`SELECT ${columns} FROM snapshots FINAL WHERE experiment = {experiment:String} ORDER BY look_at, metric, variant`,
		{ experiment },
	);

test("every column of the table is written, and none else", async () => {
	const columns = (await raw.query<{ name: string }>("DESCRIBE TABLE snapshots")).map(({ name }) => name);
	expect([...encodeSnapshot(look("x")).columns].sort()).toEqual(columns.sort());
});

test("a row says what the analysis said; an unbounded interval and an effect that is not known are different NULLs", async () => {
	await store.appendSnapshot(look("told"));
	expect(await rowsOf("told", "* EXCEPT (experiment, iteration, environment)")).toMatchObject([
		{ variant: "control", arm: "control", against: "", effect: null, effect_lower: null, guardrail_status: "" },
		{
			...{ look_at: "2026-11-20 12:00:00.000", computed_at: "2026-11-20 12:00:02.345", kind: "look", keep: "ever" },
			...{ newest_call_at: "2026-11-20 11:59:59.999", excluded_units: 3, sample_ratio_mismatch: false },
			...{ variant: "friendly", effect: 90.125, effect_lower: 80, effect_upper: 100.5, p_value: 1e-12, level: 0.95 },
			...{ relative_effect: 0.125, relative_lower: null, relative_upper: null, guardrail_status: "breached" },
			...{ arm_units: 200, arm_verdict: "keep-running", guardrail_log_e_value: 12.5, metric_unit: "ms" },
		},
	]);
});

test("a bound that is infinite is unbounded", async () => {
	await store.appendSnapshot(look("infinite", { arms: [{ ...ARM, effectUpper: Number.POSITIVE_INFINITY }] }));
	expect(await rowsOf("infinite", "effect, effect_upper")).toEqual([{ effect: 90.125, effect_upper: null }]);
});

test("the same look, whoever writes it and how often, is one; the last writing counts", async () => {
	await Promise.all([store.appendSnapshot(look("twice")), store.appendSnapshot(look("twice"))]);
	await store.appendSnapshot(look("twice", { verdict: "ship" }));
	expect(await rowsOf("twice", "variant, verdict")).toEqual([
		{ variant: "control", verdict: "ship" },
		{ variant: "friendly", verdict: "ship" },
	]);
	await store.appendSnapshot(look("twice", { environment: "staging" }));
	expect(await rowsOf("twice", "variant")).toHaveLength(4);
});

test("the two newest looks of one iteration and environment, newest first", async () => {
	const at = (minute: number) => new Date(Date.UTC(2026, 10, 20, 12, minute));
	const key = { experiment: "newest", iteration: 2, environment: "production", until: at(3) };
	expect(await store.latestLooks(key)).toEqual([]);
	for (const minute of [0, 1, 2]) await store.appendSnapshot(look("newest", { iteration: 2, lookAt: at(minute) }));
	await store.appendSnapshot(look("newest", { iteration: 1, lookAt: at(9) }));
	await store.appendSnapshot(look("newest", { iteration: 2, lookAt: at(9), environment: "staging" }));
	await store.appendSnapshot(look("newest", { iteration: 2, lookAt: at(3), kind: "final" }));
	expect(await store.latestLooks(key)).toEqual([
		{ lookAt: at(3), kind: "final" },
		{ lookAt: at(2), kind: "look" },
	]);
	expect(await store.latestLooks({ ...key, until: at(1) })).toEqual([
		{ lookAt: at(1), kind: "look" },
		{ lookAt: at(0), kind: "look" },
	]);
});

test("a look without arms is no row", async () => {
	await store.appendSnapshot(look("empty", { arms: [] }));
	expect(await rowsOf("empty", "variant")).toEqual([]);
});

test("what is kept for a day or a month is gone afterwards, and not before; what is kept for ever stays", async () => {
	const ages = [0.5, 2, 29, 31, 400];
	for (const days of ages) {
		for (const keep of ["day", "month", "ever"] as const) {
			const lookAt = new Date(Date.now() - days * DAY_MS);
			const experiment = `thinned-${keep}`;
			await store.appendSnapshot(look(experiment, { lookAt, keep, arms: [{ ...ARM, metric: `age-${days}` }] }));
		}
	}
	await raw.command("OPTIMIZE TABLE snapshots FINAL");
	const left = async (keep: string) => (await rowsOf(`thinned-${keep}`, "metric")).map(({ metric }) => metric);
	expect(await left("ever")).toEqual(["age-400", "age-31", "age-29", "age-2", "age-0.5"]);
	expect(await left("month")).toEqual(["age-29", "age-2", "age-0.5"]);
	expect(await left("day")).toEqual(["age-0.5"]);
});
