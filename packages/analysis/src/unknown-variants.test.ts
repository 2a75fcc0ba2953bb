import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExperimentResults } from "@armspan/schema";
import { decodeLogs, decodeTraces, openStore, type Store } from "@armspan/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { analyzeExperiment } from "./analyze-experiment.ts";
import { experimentOf } from "./test-support.ts";

const START_MS = Date.parse("2026-05-01T00:00:00Z");
const folder = mkdtempSync(join(tmpdir(), "armspan-unknown-"));
let store: Store;

/** 60 units in each arm; one in both; 9 of a variant that nobody knows, 4 of two such, 2 of one and control. */
const SEEN: readonly (readonly [units: number, variants: readonly string[]])[] = [
	[9, ["nope"]],
	[4, ["nope", "it's \\ 'quoted'"]],
	[2, ["control", "nope"]],
	[1, ["control", "friendly"]],
	[60, ["control"]],
	[60, ["friendly"]],
];

beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
	const string = (key: string, stringValue: string) => ({ key, value: { stringValue } });
	const seen = SEEN.flatMap(([units, variants], group) =>
		Array.from({ length: units }, (_, unit) => ({ unit: `${group}-${unit}`, variants })),
	);
	const rows = seen.flatMap(({ unit, variants }, number) =>
		variants.map((variant, index) => ({ unit, variant, timeMs: START_MS + number * 1000 + index })),
	);
	const attributes = ({ unit, variant }: (typeof rows)[number]) => [
		string("gen_ai.operation.name", "chat"),
		string("gen_ai.prompt.name", "reply"),
		string("feature_flag.result.variant", `tone.${variant}`),
		string("armspan.experiment", "tone"),
		string("armspan.iteration", "1"),
		string("armspan.enrolled", "true"),
		string("armspan.unit.type", "user"),
		string("armspan.unit.id", unit),
	];
	// The second variant of a unit is known from its exposure alone.
	const spans = rows.filter((row) => row.timeMs % 1000 === 0);
	const exposures = rows.filter((row) => row.timeMs % 1000 !== 0);
	const body = (value: unknown) => Buffer.from(JSON.stringify(value));
	const { rows: traces } = decodeTraces(
		body({
			resourceSpans: [
				{
					scopeSpans: [
						{
							spans: spans.map((row, index) => ({
								traceId: (index + 1).toString(16).padStart(32, "0"),
								spanId: (index + 1).toString(16).padStart(16, "0"),
								startTimeUnixNano: `${row.timeMs}000000`,
								endTimeUnixNano: `${row.timeMs + 100 + ((index * 17) % 60)}000000`,
								attributes: attributes(row),
							})),
						},
					],
				},
			],
		}),
		"application/json",
	);
	await store.insertTraces(traces);
	const { rows: logs } = decodeLogs(
		body({
			resourceLogs: [
				{
					scopeLogs: [
						{
							logRecords: exposures.map((row, index) => ({
								timeUnixNano: `${row.timeMs}000000`,
								eventName: "feature_flag.evaluation",
								attributes: [...attributes(row), string("armspan.event.id", `exposure-${index}`)],
							})),
						},
					],
				},
			],
		}),
		"application/json",
	);
	await store.insertLogs(logs);
});

afterAll(async () => {
	await store.close();
	rmSync(folder, { recursive: true });
});

const analyzed = async (changes: Record<string, unknown> = {}) => {
	const now = new Date(START_MS + 3_600_000);
	const results = await analyzeExperiment({ store, experiment: experimentOf({ plannedUnits: 100, ...changes }), now });
	expect(ExperimentResults.parse(JSON.parse(JSON.stringify(results)))).toEqual(results);
	return results;
};

test("units of variants that the experiment has not are named, and cross from no arm to another", async () => {
	const { variants, excludedUnits, unknownVariants, warnings, verdict } = await analyzed();
	expect(variants.map(({ units }) => units)).toEqual([60, 60]);
	// those in control and nope, and the one in both arms; not the four in two that nobody knows
	expect(excludedUnits).toBe(3);
	expect(unknownVariants).toEqual([
		{ variant: "nope", units: 15, unitsInKnown: 2 },
		{ variant: "it's \\ 'quoted'", units: 4, unitsInKnown: 0 },
	]);
	const warning = warnings.find(({ code }) => code === "unknown-variants");
	expect(warning?.message).toContain(
		'15 units have calls or exposures of variants that the experiment has not: "nope" (15)',
	);
	expect(verdict.reasons.find(({ rule }) => rule === "units-in-two-arms")?.message).toContain("2.4 %");
});

test("a variant that the experiment has is not named, and who was in another as well crosses", async () => {
	const version = "1.0.0";
	const { excludedUnits, unknownVariants, warnings } = await analyzed({
		variants: ["control", "friendly", "nope"].map((key) => ({ key, version })),
	});
	expect(excludedUnits).toBe(7);
	expect(unknownVariants).toEqual([{ variant: "it's \\ 'quoted'", units: 4, unitsInKnown: 4 }]);
	expect(warnings.some(({ code }) => code === "unknown-variants")).toBe(true);
});

test("a planned look comes with units of the experiment's variants, not with others", async () => {
	const { metrics } = await analyzed({ inference: "fixed", plannedUnits: 119 });
	const [comparison] = metrics.find(({ metric }) => metric === "latency")?.comparisons ?? [];
	expect(comparison?.look?.units).toBe(119);
});
