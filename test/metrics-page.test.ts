import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MetricDefinition } from "@armspan/schema";
import { type LogRow, openStore, type Store, type TraceRow } from "@armspan/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { loadEvidence } from "../packages/service/src/test-support/loaded-evidence.ts";

const page = readFileSync(new URL("../docs/metrics.md", import.meta.url), "utf8");
const files = [...page.matchAll(/^```yaml\n(?:# (\S+)\n)?(.*?)^```$/gms)].map(([, file, text = ""]) => ({
	file,
	definition: MetricDefinition.parse(parse(text)),
}));

const folder = mkdtempSync(join(tmpdir(), "armspan-metrics-page-"));
const day = new Date("2026-11-20T00:00:00Z");
let store: Store;
beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
	await loadEvidence(store, day);
	await loadEvidence(inAnotherExperiment(store), day);
});
afterAll(async () => {
	await store.close();
	rmSync(folder, { recursive: true });
});

/** The same units do the same in a second experiment. */
function inAnotherExperiment({ insertTraces, insertLogs }: Store): Store {
	const renamed = (attributes: TraceRow["SpanAttributes"]) =>
		new Map(
			[...attributes].map(([key, value]): [string, string] => [
				key,
				key === "armspan.event.id" ? `other-${value}` : value.replace("support-tone", "other"),
			]),
		);
	return {
		insertTraces: (rows: readonly TraceRow[]) =>
			insertTraces.call(
				store,
				rows.map((row) => ({ ...row, SpanAttributes: renamed(row.SpanAttributes) })),
			),
		insertLogs: (rows: readonly LogRow[]) =>
			insertLogs.call(
				store,
				rows.map((row) => ({ ...row, LogAttributes: renamed(row.LogAttributes) })),
			),
	} as Store;
}

test("every definition says its file, and has its key", () => {
	expect(files.length).toBeGreaterThanOrEqual(4);
	for (const { file, definition } of files) {
		if (file !== undefined) expect(file).toBe(`metrics/${definition.key}.yaml`);
	}
});

test("one file of SQL serves two experiments with the same users", async () => {
	const own = files.find(({ definition }) => definition.key === "resolutions")?.definition;
	if (own === undefined) throw new Error("docs/metrics.md has no resolutions");
	const native = MetricDefinition.parse({
		...{ key: "native", source: "conversions", kind: "mean", per: "unit", value: "count", direction: "increase" },
		where: [{ column: "name", in: ["resolved"] }],
	});
	const wide = { ...own, key: "wide", query: own.query?.replace(/AND experiment.*/s, "") ?? "" };
	const totals = async (experiment: string, environment?: string) => {
		const { arms, sqlSources } = await store.metricTotals({
			...{
				experiment,
				iteration: 1,
				metrics: [own, native, wide],
				unitType: "user",
				prompt: "support-reply",
				asOf: day,
			},
			...(environment === undefined ? {} : { environment }),
		});
		expect(sqlSources?.map(({ failure }) => failure)).toEqual([null, null]);
		return (["resolutions", "native", "wide"] as const).map((key) =>
			arms.reduce((sum, { metrics }) => sum + Number(metrics[key]?.sumY ?? 0) / (metrics[key]?.scale ?? 1), 0),
		);
	};
	const resolved = Math.ceil(400 / 7);
	expect(await totals("support-tone")).toEqual([resolved, resolved, 2 * resolved]);
	expect(await totals("other")).toEqual([resolved, resolved, 2 * resolved]);
});

test("a query may ask for the start of the iteration and for the environment", async () => {
	const definition = MetricDefinition.parse({
		...{ key: "calls", source: "sql", kind: "mean", per: "unit", value: "numerator", direction: "increase" },
		query: `SELECT unit_id, started_at AS time, 1 AS numerator FROM calls FINAL WHERE experiment = {experiment:String}
			AND calls.started_at >= {started_at:DateTime64} AND {environment:String} = 'it''s \\\\ here'`,
	});
	const calls = async (environment: string, startedAt?: Date) => {
		const { arms, sqlSources } = await store.metricTotals({
			...{ experiment: "other", iteration: 1, metrics: [definition], unitType: "user", prompt: "support-reply" },
			...{ asOf: day, environment, ...(startedAt === undefined ? {} : { startedAt }) },
		});
		expect(sqlSources).toEqual([{ metric: "calls", failure: null, badRows: 0 }]);
		return arms.reduce((sum, { metrics }) => sum + Number(metrics.calls?.sumY ?? 0) / 1e6, 0);
	};
	expect(await calls("it's \\ here")).toBe(1600);
	expect(await calls("it's not")).toBe(0);
	expect(await calls("it's \\ here", new Date("2026-11-18T00:00:00Z"))).toBe(640);
});
