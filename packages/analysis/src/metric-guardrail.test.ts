import { Decision } from "@armspan/schema";
import { describe, expect, test } from "vitest";
import { analyzeExperiment } from "./analyze-experiment.ts";
import { replayDecision } from "./guardrail-check.ts";
import { metricGuardrailDecision } from "./guardrail-decision.ts";
import { checkMetricGuardrails } from "./metric-guardrail-check.ts";
import { experimentOf, momentsOf, totalsOf, windowsOf } from "./test-support.ts";

const now = new Date("2026-11-20T12:00:00Z");
const values = (count: number, mean: number) =>
	Array.from({ length: count }, (_, index) => mean + ((index * 37) % 101));
const analyzed = (totals: ReturnType<typeof totalsOf>, changes: Record<string, unknown>, pairwise = false) =>
	analyzeExperiment({
		store: {
			metricTotals: async () => totals,
			segmentTotals: async () => [],
			evidenceHealth: async () => [],
			sumsSinceStarts: async () => [],
			strayUnits: async () => ({ units: 0, onlyUnknownUnits: 0, variants: [] }),
			arrivalTimes: async () => [],
			violationWindows: async () => totals.arms.map(({ variant }) => windowsOf(variant, { 0: 2 })),
			listDecisions: async () => [],
			lastCallStart: async () => null,
		},
		experiment: experimentOf(changes),
		...{ now, pairwise },
	});
const armOf = (latency: number, feedback = 400_000, units = 3000) => ({
	units,
	latency: momentsOf(values(units, latency), 1, 1000),
	feedback: momentsOf(values(units, feedback), 1, 1e6),
	"error-rate": momentsOf(values(units, 0).map((value) => (value % 50 === 0 ? 1 : 0))),
});
const latencyGuardrail = { guardrails: [{ metric: "latency", nonInferiorityMargin: 0.1 }] };

describe("guardrails on means", () => {
	test.each([
		["breached", 1200, /^latency of friendly is beyond the margin by 0\.\d+ since the start$/],
		["passing", 1000, /^an increase above 10 % is ruled out/],
		["inconclusive", 1105, /^no breach, but an increase above 10 % is not ruled out/],
	])("%s", async (status, latency, message) => {
		const { guardrails, verdict } = await analyzed(
			totalsOf({ control: armOf(1000), friendly: armOf(latency) }),
			latencyGuardrail,
		);
		expect(guardrails).toMatchObject([{ metric: "latency", status, message: expect.stringMatching(message) }]);
		expect(verdict.kind === "halt").toBe(status === "breached");
	});

	test("of a metric of which more is better, less is a breach", async () => {
		const { guardrails } = await analyzed(totalsOf({ control: armOf(1000, 1000), friendly: armOf(1000, 700) }), {
			...{ guardrails: [{ metric: "feedback", nonInferiorityMargin: 0.1, onBreach: "notify" }] },
			primaryMetric: { metric: "latency", minimumDetectableEffect: 0.1 },
		});
		expect(guardrails).toMatchObject([{ metric: "feedback", status: "breached", onBreach: "notify" }]);
	});

	test("alpha is shared by all guardrails and treatments, and by both ways of looking", async () => {
		const { guardrails } = await analyzed(totalsOf({ control: armOf(1000), friendly: armOf(1000) }), {
			guardrails: [...latencyGuardrail.guardrails, { metric: "error-rate", nonInferiorityMargin: 0.5 }],
		});
		expect(guardrails.map(({ metric }) => metric)).toEqual(["latency", "error-rate"]);
		expect(guardrails[0]?.logThreshold).toBeCloseTo(Math.log((2 * 2) / 0.05), 12);
	});

	test("nothing measured is not good news", async () => {
		const { guardrails } = await analyzed(totalsOf({ control: { units: 80 } }), latencyGuardrail);
		expect(guardrails).toMatchObject([{ status: "unmeasured", logEValue: null, nonInferiorityPValue: null }]);
	});
});

describe("results", () => {
	const three = {
		variants: ["control", "friendly", "terse"].map((key, index) => ({ key, version: `${index + 1}.0.0` })),
	};

	test("pairs of treatments when asked for, at alpha over pairs", async () => {
		const totals = totalsOf({ control: armOf(1000), friendly: armOf(1010), terse: armOf(1100) });
		const { metrics } = await analyzed(totals, three, true);
		const latency = metrics.find(({ metric }) => metric === "latency");
		expect(latency?.pairwise).toMatchObject([{ variant: "terse", against: "friendly", conclusion: "worse" }]);
		expect((await analyzed(totals, three)).metrics[0]?.pairwise).toEqual([]);
	});

	test("days of first exposure add up to the whole, each with its own difference", async () => {
		const [first, second] = [totalsOf({ control: armOf(1000), friendly: armOf(1100) }), armOf(1300)];
		const later = totalsOf({ control: second, friendly: armOf(1500) }).arms.map((arm) => ({
			...arm,
			day: "2026-11-20",
		}));
		const { metrics, days, variants } = await analyzed({ ...first, arms: [...first.arms, ...later] }, {});
		expect(variants.map(({ units }) => units)).toEqual([6000, 6000]);
		expect(days.map(({ day, units }) => [day, units.control])).toEqual([
			["2026-11-19", 3000],
			["2026-11-20", 3000],
		]);
		const latency = metrics.find(({ metric }) => metric === "latency");
		expect(latency?.trend.map(({ differences }) => differences.friendly)).toMatchObject([
			{ kind: "estimated", value: expect.closeTo(0.1, 9) },
			{ kind: "estimated", value: expect.closeTo(0.2, 9) },
		]);
		expect(latency?.comparisons[0]?.absoluteEffect).toMatchObject({ value: expect.closeTo(0.15, 9) });
		expect(latency?.designEffects.control).toMatchObject({ kind: "estimated", observationsPerUnit: 1 });
	});

	test("an unknown metric is refused with those that there are", async () => {
		await expect(analyzed(totalsOf({}), { secondaryMetrics: ["latenzy"] })).rejects.toMatchObject({
			code: "UNKNOWN_METRIC",
			message: expect.stringMatching(/^unknown metric "latenzy"; expected one of .*latency, /),
		});
	});
});

describe("warnings", () => {
	const cached = (share: number, units = 400) => ({
		...armOf(1000, 400_000, units),
		"cache-hit-rate": {
			...momentsOf(
				values(units, 0).map((value) => Math.round(1000 * share) + value),
				1000,
			),
		},
	});
	const codes = async (totals: ReturnType<typeof totalsOf>, changes: Record<string, unknown> = {}) =>
		(await analyzed(totals, changes)).warnings.map(({ code, variant }) => `${code}: ${variant}`);

	test("caches that serve the arms differently", async () => {
		expect(await codes(totalsOf({ control: cached(0.5), friendly: cached(0.3) }))).toEqual([
			"cache-hit-rates-differ: friendly",
		]);
		expect(await codes(totalsOf({ control: cached(0.5), friendly: cached(0.505) }))).toEqual([]);
	});

	test("arms whose calls break off unequally", async () => {
		const aborted = (perUnit: number, units = 400) => ({
			...armOf(1000, 400_000, units),
			"abort-rate": momentsOf(values(units, perUnit), 200),
		});
		expect(await codes(totalsOf({ control: aborted(2), friendly: aborted(30) }))).toEqual([
			"abort-rates-differ: friendly",
		]);
		expect(await codes(totalsOf({ control: aborted(2), friendly: aborted(2) }))).toEqual([]);
	});

	test("units left out, units to come, calls that cannot be, evidence that stopped", async () => {
		const totals = totalsOf({ control: armOf(1000), friendly: armOf(1000) }, 100);
		totals.immatureUnits = 7;
		totals.arms[1]!.quarantinedCalls = 31;
		totals.newestCallAt = new Date("2026-11-19T11:59:59Z");
		expect(await codes(totals, { maturationHours: 24 })).toEqual([
			"units-excluded: null",
			"units-immature: null",
			"calls-quarantined: friendly",
			"evidence-old: null",
		]);
		expect(await codes(totals, { status: "stopped" })).not.toContain("evidence-old: null");
	});
});

describe("checkMetricGuardrails", () => {
	const origin = new Date("2026-11-20T10:00:00Z");
	const startedAt = new Date("2026-11-20T11:59:30Z");
	/** @param since latencies of 200 units an arm after `startedAt`, if there are any */
	const check = async (latency: number, since: readonly number[] = []) => {
		const experiment = experimentOf(latencyGuardrail);
		const totals = totalsOf({ control: armOf(1000), friendly: armOf(latency) });
		const metricTotals = async () => totals;
		const sumsSinceStarts = async ({ starts }: { starts: readonly Date[] }) => {
			expect(starts[0]).toEqual(new Date("2026-11-20T10:00:00Z"));
			expect(starts).toContainEqual(startedAt);
			return since.map((mean, index) => ({
				...{ start: startedAt, variant: index === 0 ? "control" : "friendly" },
				metrics: { latency: momentsOf(values(200, mean), 1, 1000) },
			}));
		};
		const store = { metricTotals, sumsSinceStarts };
		const [found] = await checkMetricGuardrails({ store, experiment, origin, now });
		if (found === undefined) throw new Error("expected a check");
		const context = { experiment, experimentDigest: "d", codeVersion: "0.1.0", lastRevision: 7 };
		return { found, decision: metricGuardrailDecision(found, context) };
	};

	test("a breach decides, and its decision can be computed again to the bit", async () => {
		const { found, decision } = await check(1200);
		expect(found).toMatchObject({ measured: true, breached: true, variant: "friendly" });
		expect(decision.reason).toBe(
			"latency of friendly is more than 10 % above control: 1.25 against 1.05 since the start",
		);
		const stored = Decision.parse(JSON.parse(JSON.stringify(decision)));
		expect(replayDecision(stored)).toMatchObject({ matches: true, statistic: { breached: true } });
		const forged = { ...stored, statistic: { ...stored.statistic!, logEValue: 99 } };
		expect(replayDecision(forged).matches).toBe(false);
	});

	test("a change that comes late is seen since it came, and decides as well", async () => {
		const { found, decision } = await check(1005, [1000, 1500]);
		expect(found).toMatchObject({ measured: true, breached: true });
		expect(found.inputs.restart).toMatchObject({ startedAt: startedAt.toISOString() });
		expect(found.logThreshold).toBeCloseTo(
			-Math.log(0.05 / 2) - Math.log(found.inputs.restart?.weight ?? Number.NaN),
			12,
		);
		expect(decision).toMatchObject({
			reason: "latency of friendly is more than 10 % above control: 1.55 against 1.05 since 11:59:30 UTC",
			statistic: { name: "restarting-comparison" },
		});
		const stored = Decision.parse(JSON.parse(JSON.stringify(decision)));
		expect(replayDecision(stored)).toMatchObject({ matches: true, statistic: { breached: true } });
		expect((await check(1005, [1000, 1000])).found.breached).toBe(false);
		expect((await check(1005)).found).toMatchObject({ breached: false, logThreshold: Math.log(2 / 0.05) });
	});

	test("no breach without harm, nothing measured without units, nothing asked without such guardrails", async () => {
		expect((await check(1000)).found).toMatchObject({ measured: true, breached: false });
		const experiment = experimentOf(latencyGuardrail);
		const store = { metricTotals: async () => totalsOf({}), sumsSinceStarts: async () => [] };
		const [empty] = await checkMetricGuardrails({ store, experiment, origin, now });
		expect(empty).toMatchObject({ measured: false, breached: false });
		const asked = () => Promise.reject(new Error("asked"));
		const unasked = { metricTotals: asked, sumsSinceStarts: asked };
		expect(await checkMetricGuardrails({ store: unasked, experiment: experimentOf(), origin, now })).toEqual([]);
	});
});
