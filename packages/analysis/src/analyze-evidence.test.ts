import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExperimentResults } from "@armspan/schema";
import { decodeLogs, decodeTraces, openStore, type Store } from "@armspan/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { analyzeExperiment } from "./analyze-experiment.ts";
import { experimentOf } from "./test-support.ts";

const START_MS = Date.parse("2026-05-01T00:00:00Z");
const HOUR_MS = 3_600_000;
const UNITS = 400;
const folder = mkdtempSync(join(tmpdir(), "armspan-analysis-"));
let store: Store;

const string = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const variantOf = (unit: number) => (unit % 2 === 0 ? "control" : "friendly");
const assignment = (unit: number, experiment = "tone") => [
	string("gen_ai.prompt.name", "reply"),
	string("gen_ai.prompt.version", unit % 2 === 0 ? "1.0.0" : "2.0.0"),
	string("feature_flag.result.variant", `${experiment}.${variantOf(unit)}`),
	string("armspan.experiment", experiment),
	{ key: "armspan.iteration", value: { intValue: "1" } },
	{ key: "armspan.enrolled", value: { boolValue: true } },
	string("armspan.unit.type", "user"),
	string("armspan.unit.id", `${experiment === "tone" ? "user" : experiment}-${unit}`),
];
/** One unit comes every six minutes and calls five times, an hour apart. */
const callAt = (unit: number, call: number) => START_MS + unit * 360_000 + call * HOUR_MS;
const latencyMs = (unit: number, call: number) =>
	200 + ((unit * 31 + call * 17) % 100) + (variantOf(unit) === "friendly" ? 60 : 0);

/** The treatment's cache serves twice as many of its calls, and that is all that makes it cheaper. */
const isHit = (unit: number, call: number) => (unit * 7 + call * 3) % 10 < (variantOf(unit) === "friendly" ? 6 : 3);
const costUsd = (unit: number, call: number) => (isHit(unit, call) ? 2 : 8) * 1e-4 + ((unit * 13 + call) % 10) * 1e-5;

/** Half of the units are on the plan pro; of the others only those in control say that they are on another. */
const planOf = (unit: number) => (unit % 4 < 2 ? "pro" : variantOf(unit) === "control" ? "free" : "");

/** Units of another experiment go on calling, each at its own pace, so that calls per unit vary more and more. */
const growingCalls = Array.from({ length: UNITS }, (_, unit) => {
	const everyMs = (3 * (1 + (unit % 5)) + (variantOf(unit) === "friendly" ? 0.1 : 0)) * HOUR_MS;
	const from = START_MS + unit * 360_000;
	const times: number[] = [];
	for (let at = from; at <= START_MS + UNITS * 360_000; at += everyMs) times.push(at);
	return times.map((atMs) => ({ unit, atMs }));
}).flat();

beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
	const calls = Array.from({ length: UNITS * 5 }, (_, index) => [Math.floor(index / 5), index % 5] as const);
	const spans = calls.map(([unit, call], index) => ({
		traceId: (index + 1).toString(16).padStart(32, "0"),
		spanId: (index + 1).toString(16).padStart(16, "0"),
		startTimeUnixNano: `${callAt(unit, call)}000000`,
		endTimeUnixNano: `${callAt(unit, call) + latencyMs(unit, call)}000000`,
		attributes: [
			...assignment(unit),
			string("gen_ai.operation.name", "chat"),
			string("gen_ai.usage.input_tokens", "1000"),
			string("gen_ai.usage.cache_read.input_tokens", isHit(unit, call) ? "900" : "0"),
			string("armspan.cost.usd", String(costUsd(unit, call))),
		],
	}));
	const growing = growingCalls.map(({ unit, atMs }, index) => ({
		traceId: (index + 1).toString(16).padStart(32, "a"),
		spanId: (index + 1).toString(16).padStart(16, "a"),
		startTimeUnixNano: `${atMs}000000`,
		endTimeUnixNano: `${atMs + 100}000000`,
		attributes: [...assignment(unit, "growing"), string("gen_ai.operation.name", "chat")],
	}));
	spans.push(...growing);
	const logRecords: object[] = calls
		.filter(([, call]) => call === 4)
		.map(([unit, call]) => ({
			timeUnixNano: `${callAt(unit, call)}000000`,
			eventName: "gen_ai.evaluation.result",
			attributes: [
				...assignment(unit),
				string("armspan.event.id", `score-${unit}`),
				string("gen_ai.evaluation.name", "faithfulness"),
				{ key: "gen_ai.evaluation.score.value", value: { doubleValue: (Math.floor(unit / 2) % 10) / 10 } },
			],
		}));
	logRecords.push(
		...Array.from({ length: UNITS }, (_, unit) => ({
			timeUnixNano: `${callAt(unit, 0)}000000`,
			eventName: "feature_flag.evaluation",
			attributes: [
				...assignment(unit),
				string("armspan.event.id", `exposure-${unit}`),
				...(planOf(unit) === "" ? [] : [string("armspan.segment.plan", planOf(unit))]),
			],
		})),
	);
	logRecords.push(
		...Array.from({ length: UNITS }, (_, unit) => ({
			timeUnixNano: `${callAt(unit, 0)}000000`,
			eventName: "feature_flag.evaluation",
			attributes: [...assignment(unit, "growing"), string("armspan.event.id", `growing-${unit}`)],
		})),
	);
	const body = (value: unknown) => Buffer.from(JSON.stringify(value));
	await store.insertTraces(
		decodeTraces(body({ resourceSpans: [{ scopeSpans: [{ spans }] }] }), "application/json").rows,
	);
	await store.insertLogs(
		decodeLogs(body({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }), "application/json").rows,
	);
});

afterAll(async () => {
	await store.close();
	rmSync(folder, { recursive: true });
});

const faithful = {
	...{ key: "faithful", source: "evaluations", kind: "mean", value: "score", direction: "increase" },
	where: [{ column: "name", in: ["faithfulness"] }],
};
const analyzed = async (changes: Record<string, unknown>, afterHours = 100) => {
	const results = await analyzeExperiment({
		store,
		experiment: experimentOf({
			primaryMetric: { metric: "latency", minimumDetectableEffect: 0.1 },
			secondaryMetrics: ["latency-p50", "faithful", "calls-per-unit", "conversion"],
			...{ metrics: [faithful], plannedUnits: UNITS, ...changes },
		}),
		now: new Date(START_MS + afterHours * HOUR_MS),
	});
	expect(ExperimentResults.parse(JSON.parse(JSON.stringify(results)))).toEqual(results);
	return { results, of: (key: string) => results.metrics.find(({ metric }) => metric === key)! };
};

describe("analyzeExperiment on evidence in ClickHouse", () => {
	test("at every look: what was put in comes out, of any metric", async () => {
		const { results, of } = await analyzed({});
		expect(results.variants.map(({ units, calls }) => [units, calls])).toEqual([
			[200, 1000],
			[200, 1000],
		]);
		const mean = (variant: string) => {
			const own = Array.from({ length: UNITS * 5 }, (_, index) => [Math.floor(index / 5), index % 5] as const)
				.filter(([unit]) => variantOf(unit) === variant)
				.map(([unit, call]) => latencyMs(unit, call));
			return own.reduce((sum, value) => sum + value, 0) / own.length;
		};
		expect(of("latency").estimates.control).toMatchObject({ value: expect.closeTo(mean("control"), 9) });
		expect(of("latency").comparisons[0]).toMatchObject({
			...{ conclusion: "worse", basis: "always-valid", look: null },
			absoluteEffect: { value: expect.closeTo(mean("friendly") - mean("control"), 9) },
		});
		expect(of("latency-p50").comparisons[0]?.conclusion).toBe("worse");
		expect(of("faithful").observations).toEqual({ control: 200, friendly: 200 });
		expect(of("calls-per-unit").estimates.friendly).toMatchObject({ value: 5, standardError: 0 });
		expect(results.days.map(({ day }) => day)).toEqual(["2026-05-01", "2026-05-02"]);
		expect(results.newestEvaluationAt).toBe(new Date(callAt(UNITS - 1, 4)).toISOString());
	});

	test("at planned looks: each holds the evidence of its moment, and the first rejection stays", async () => {
		const early = await analyzed({ inference: "group-sequential", plannedLooks: 4 }, 5);
		expect(early.of("latency").comparisons[0]).toMatchObject({ conclusion: "waiting", look: null });
		const { of } = await analyzed({ inference: "group-sequential", plannedLooks: 4 });
		const [comparison] = of("latency").comparisons;
		expect(comparison).toMatchObject({ conclusion: "worse", basis: "group-sequential" });
		expect(comparison?.pValue).toBeLessThan(0.05);
		expect(of("latency").caveats.join(" ")).toContain("tends to be too large");
		expect(of("faithful").caveats.join(" ")).not.toContain("tends to be too large");
		// The k-th hundred of units was there with unit 100·k − 1.
		expect(comparison?.look?.units).toBe((comparison?.look?.number ?? 0) * 100);
		expect(comparison?.look?.evidenceUntil).toBe(
			new Date(callAt((comparison?.look?.number ?? 0) * 100 - 1, 0)).toISOString(),
		);
		expect(of("faithful").comparisons[0]?.conclusion).toBe("undecided");
	});

	test("at planned looks of a sum that grows: each is tested, the last spends what is left, and it says so", async () => {
		const { results, of } = await analyzed({
			...{ key: "growing", inference: "group-sequential", plannedLooks: 4, alpha: 0.05 },
			...{ primaryMetric: { metric: "calls-per-unit", minimumDetectableEffect: 0.1 }, secondaryMetrics: [] },
		});
		const [comparison] = of("calls-per-unit").comparisons;
		expect(comparison).toMatchObject({ conclusion: "undecided", look: { number: 4, final: true, units: 400 } });
		expect(comparison?.looks.map((look) => (look.kind === "tested" ? look.basis : look.message))).toEqual([
			...["joint", "union", "union", "union"],
		]);
		const looks = (comparison?.looks ?? []).filter((look) => look.kind === "tested");
		expect(looks.map(({ units, spendingTime }) => [units, spendingTime])).toEqual([
			...[100, 200, 300, 400].map((units) => [units, units / 400]),
		]);
		expect(looks.map(({ bound }) => bound)).toEqual([4.3326, 2.9641, 2.4033, 2.1609].map((b) => expect.closeTo(b, 4)));
		// As was seen: information falls while units come.
		for (const { informationRatio } of looks.slice(1)) expect(informationRatio).toBeLessThan(1);
		const { absoluteEffect, pValue } = comparison!;
		if (absoluteEffect.kind !== "estimated") throw new Error("not estimated");
		expect(absoluteEffect.upper! - absoluteEffect.value).toBeCloseTo(
			(looks[3]!.bound * absoluteEffect.value) / looks[3]!.zScore,
			9,
		);
		expect(pValue).toBeGreaterThan(0.05);
		expect(results.verdict.kind).toBe("inconclusive");
		expect(results.verdict.sentence).toBe(
			"The 400 planned units have come, and no difference in calls-per-unit was shown at its planned looks.",
		);
		const said = results.verdict.reasons.find(({ rule }) => rule === "primary-undecided")?.message;
		expect(said).toContain("Look 4 of 4, of 400 units: z ");
		expect(said).toContain("against ±2.16. Looks 2, 3, 4 cannot be placed beside those before");
		expect(said).not.toContain("p = 1");
	});

	test("by segment: what was put in comes out, and a part that is reported in one arm only is no comparison", async () => {
		const { results } = await analyzed({ segments: ["plan"], inference: "fixed", plannedUnits: 100_000 });
		const part = (name: string) => results.segments.find(({ kind, value }) => name === (value ?? kind))!;
		expect(results.segments.map(({ segment, kind, value }) => [segment, kind, value])).toEqual([
			["plan", "none", null],
			["plan", "value", "free"],
			["plan", "value", "pro"],
		]);
		expect(part("pro")).toMatchObject({
			...{ units: { control: 100, friendly: 100 }, sampleRatioMismatch: { mismatch: false } },
		});
		expect(part("free").units).toEqual({ control: 100, friendly: 0 });
		const mean = (variant: string) => {
			const own = Array.from({ length: UNITS * 5 }, (_, index) => [Math.floor(index / 5), index % 5] as const)
				.filter(([unit]) => variantOf(unit) === variant && planOf(unit) === "pro")
				.map(([unit, call]) => latencyMs(unit, call));
			return own.reduce((sum, value) => sum + value, 0) / own.length;
		};
		const latency = part("pro").metrics.find(({ metric }) => metric === "latency");
		expect(latency?.estimates.control).toMatchObject({ value: expect.closeTo(mean("control"), 9) });
		expect(latency?.comparisons).toMatchObject([
			{
				...{ variant: "friendly", against: "control", basis: "always-valid", conclusion: "worse" },
				absoluteEffect: { value: expect.closeTo(mean("friendly") - mean("control"), 9) },
			},
		]);
		const warned = results.warnings.filter(({ code }) => code === "segment-sample-ratio-mismatch");
		expect(warned.map(({ message }) => message.slice(0, 60))).toEqual([
			expect.stringMatching(/^Units with plan none do not follow the weights /),
			expect.stringMatching(/^Units with plan "free" do not follow the weights /),
		]);
		// The whole is as allocated, and no verdict looks at its parts.
		expect(results.sampleRatioMismatch).toMatchObject({ mismatch: false });
		expect(results.verdict.reasons.map(({ rule }) => rule)).not.toContain("sample-ratio-mismatch");
	});

	test("cost at one share of cache hits: what the cache alone did goes away, beside the raw effect", async () => {
		const { results, of } = await analyzed({ secondaryMetrics: ["cost", "latency-p50"] });
		const [raw] = of("cost").comparisons;
		expect(raw?.conclusion).toBe("better");
		const [adjusted] = of("cost").cacheAdjusted;
		expect(adjusted).toMatchObject({
			...{ hitShares: { control: 0.32, friendly: 0.6 }, pooledHitShare: 0.46 },
			unadjustedDifference: expect.closeTo(raw?.absoluteEffect.kind === "estimated" ? raw.absoluteEffect.value : 0, 12),
		});
		const gap = (hit: boolean) => {
			const mean = (variant: string) => {
				const own = Array.from({ length: UNITS * 5 }, (_, index) => [Math.floor(index / 5), index % 5] as const)
					.filter(([unit, call]) => variantOf(unit) === variant && isHit(unit, call) === hit)
					.map(([unit, call]) => costUsd(unit, call));
				return own.reduce((sum, value) => sum + value, 0) / own.length;
			};
			return mean("friendly") - mean("control");
		};
		const effect = adjusted?.absoluteEffect;
		if (effect?.kind !== "estimated") throw new Error("not estimated");
		expect(effect.value).toBeCloseTo(0.46 * gap(true) + 0.54 * gap(false), 12);
		expect(effect.lower).toBeLessThan(0);
		expect(effect.upper).toBeGreaterThan(0);
		expect(of("cost").caveats.join(" ")).toContain("only if the variant does not decide which calls are hits");
		const many = (key: string) => of(key).caveats.filter((caveat) => caveat.includes("not adjusted for their number"));
		expect(many(results.metrics.find(({ role }) => role === "primary")?.metric ?? "")).toEqual([]);
		expect(results.metrics.filter(({ role, metric }) => role !== "primary" && many(metric).length !== 1)).toEqual([]);
		expect(of("latency").cacheAdjusted).toHaveLength(1);
		expect(of("latency-p50").cacheAdjusted).toEqual([]);
		expect(results.warnings.map(({ code }) => code)).toContain("cache-hit-rates-differ");
	});

	test("a metric from SQL of one's own, and one whose SQL is refused: the others do not suffer", async () => {
		const own = (key: string, query: string) => ({
			...{ key, source: "sql", query, kind: "mean", per: "unit", value: "numerator", direction: "increase" },
		});
		const orders = `SELECT unit_id, started_at AS time, if(position(unit_id, '7') > 0, 'NaN', toString(latency_us / 1e3)) AS numerator
			FROM calls FINAL WHERE prompt_name = 'reply'`;
		const { results, of } = await analyzed({
			secondaryMetrics: ["orders", "refused"],
			metrics: [own("orders", orders), own("refused", "SELECT * FROM file('/etc/passwd')")],
			segments: ["plan"],
		});
		const withoutSeven = (unit: number) => !String(unit).includes("7");
		const sum = (unit: number) => [0, 1, 2, 3, 4].reduce((total, call) => total + latencyMs(unit, call), 0);
		const perUnit = (variant: string) => {
			const own = Array.from({ length: UNITS }, (_, unit) => unit).filter((unit) => variantOf(unit) === variant);
			return own.reduce((total, unit) => total + (withoutSeven(unit) ? sum(unit) : 0), 0) / own.length;
		};
		expect(of("orders").estimates.friendly).toMatchObject({ value: expect.closeTo(perUnit("friendly"), 9) });
		expect(of("orders").units).toEqual({ control: 200, friendly: 200 });
		// Not that units are missing, which is how sums of 0 look.
		const failed = {
			...{ kind: "not-estimable", reason: "source-failed" },
			message: expect.stringContaining("Its query gave no value: the statement is refused: the table function file"),
		};
		expect(of("refused")).toMatchObject({
			...{ estimates: { control: failed, friendly: failed } },
			comparisons: [{ absoluteEffect: failed, relativeEffect: failed, conclusion: "undecided" }],
		});
		expect(of("refused").trend[0]).toMatchObject({ estimates: { control: failed }, differences: { friendly: failed } });
		expect(of("latency").comparisons[0]?.conclusion).toBe("worse");
		const bad = Array.from({ length: UNITS }, (_, unit) => unit).filter((unit) => !withoutSeven(unit)).length * 5;
		const warned = results.warnings.filter(({ metric }) => metric === "orders" || metric === "refused");
		expect(warned.map(({ code, message }) => [code, message])).toEqual([
			["metric-rows-quarantined", `${bad} rows of orders have a time or a number that cannot be; they are left out.`],
			["metric-source-failed", expect.stringContaining("the table function file is not allowed")],
		]);
		const [pro] = results.segments.filter(({ value }) => value === "pro");
		expect(pro?.metrics.find(({ metric }) => metric === "orders")?.comparisons[0]?.absoluteEffect.kind).toBe(
			"estimated",
		);
		expect(pro?.metrics.find(({ metric }) => metric === "refused")?.comparisons[0]?.absoluteEffect).toMatchObject(
			failed,
		);
	});

	test("only matured units count, with what they did in time", async () => {
		const { results, of } = await analyzed({ maturationHours: 2.5 }, 22);
		// Units that came until 19.5 hours after the start: numbers 0 to 195, three calls each.
		expect(results.variants.map(({ units, calls }) => [units, calls])).toEqual([
			[98, 294],
			[98, 294],
		]);
		expect(results.immatureUnits).toBe(UNITS - 196);
		expect(results.warnings.map(({ code }) => code)).toContain("units-immature");
		expect(of("faithful").comparisons[0]?.conclusion).toBe("too-few");
	});
});
