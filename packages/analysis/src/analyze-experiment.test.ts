import type { Decision } from "@armspan/schema";
import { ExperimentResults } from "@armspan/schema";
import { compareOneSided, compareRatios, holm } from "@armspan/stats";
import { describe, expect, test, vi } from "vitest";
import { analyzeExperiment } from "./analyze-experiment.ts";
import { experimentOf, momentsOf, totalsOf, windowsOf } from "./test-support.ts";

const now = new Date("2026-11-20T12:00:00Z");

/** `count` units of which every `every`-th has the value 1. */
const binary = (count: number, every: number) =>
	Array.from({ length: count }, (_, index) => (index % every === 0 ? 1 : 0));

function storeOf(
	totals: ReturnType<typeof totalsOf>,
	decisions: Decision[] = [],
	lastTreatmentCallAt: Date | null = null,
	failedUnits: Readonly<Record<string, number>> = {},
) {
	const asked: (number | undefined)[] = [];
	return {
		asked,
		lastCallStart: async () => lastTreatmentCallAt,
		listDecisions: async () => decisions,
		metricTotals: async ({ untilRevision }: { untilRevision?: number; closedAt?: Date }) => {
			asked.push(untilRevision);
			return totals;
		},
		segmentTotals: async () => [],
		evidenceHealth: async () => [],
		sumsSinceStarts: async () => [],
		strayUnits: async () => ({ units: 0, onlyUnknownUnits: 0, variants: [] }),
		arrivalTimes: async () => [],
		violationWindows: async () =>
			totals.arms.map(({ variant }) => windowsOf(variant, { 0: failedUnits[variant] ?? 2 })),
	};
}

const arms = (control: number[], friendly: number[]) =>
	totalsOf({
		control: {
			units: control.length,
			feedback: momentsOf(control),
			"error-rate": momentsOf(binary(control.length, 50)),
		},
		friendly: {
			units: friendly.length,
			feedback: momentsOf(friendly),
			"error-rate": momentsOf(binary(friendly.length, 50)),
		},
	});

const haltDecision: Decision = {
	id: "0b4e7f0a-0000-8000-8000-000000000000",
	decidedAt: "2026-11-20T11:00:00.000Z",
	kind: "halt",
	actor: "guardrail",
	experiment: "tone",
	iteration: 1,
	metric: "error-rate",
	reason: "error-rate of friendly is too high",
	statistic: { name: "first-violation-e-process", variant: "friendly", logEValue: 9, logThreshold: 4 },
	inputs: {},
	experimentDigest: "d",
	codeVersion: "0.1.0",
	lastRevision: 7,
};

describe("analyzeExperiment", () => {
	test("what is better and harms no guardrail ships, and the results are valid against their schema", async () => {
		const results = await analyzeExperiment({
			store: storeOf(arms(binary(20_000, 4), binary(20_000, 2))),
			experiment: experimentOf(),
			now,
		});
		expect(ExperimentResults.parse(JSON.parse(JSON.stringify(results)))).toEqual(results);
		expect(results.metrics[0]?.metric).toBe("feedback");
		expect(results.metrics[0]?.comparisons[0]).toMatchObject({ variant: "friendly", conclusion: "better" });
		expect(results.metrics[0]?.comparisons[0]?.relativeEffect).toMatchObject({
			kind: "estimated",
			value: expect.closeTo(1, 9),
		});
		expect(results.verdict).toMatchObject({
			kind: "ship",
			sentence: "friendly may be shipped: better than control in feedback, and every guardrail passes.",
			treatments: [{ variant: "friendly", kind: "ship", reasons: [{ rule: "all-requirements-shown" }] }],
		});
	});

	test("what is better does not ship over a guardrail of which too little is known", async () => {
		const { verdict, guardrails } = await analyzeExperiment({
			store: storeOf(arms(binary(2000, 4), binary(2000, 2))),
			experiment: experimentOf(),
			now,
		});
		expect(guardrails[0]?.status).toBe("inconclusive");
		expect(guardrails[0]?.nonInferiorityPValue).toBeGreaterThan(0.05);
		expect(verdict).toMatchObject({
			kind: "keep-running",
			sentence: expect.stringMatching(/^friendly is better than control in feedback, but not everything/),
			reasons: [{ rule: "guardrail-inconclusive", variant: "friendly", metric: "error-rate" }],
		});
	});

	test("a breach halts however good the primary metric is", async () => {
		const { verdict, guardrails } = await analyzeExperiment({
			store: storeOf(arms(binary(20_000, 4), binary(20_000, 2)), [], null, { friendly: 80 }),
			experiment: experimentOf(),
			now,
		});
		expect(guardrails[0]?.status).toBe("breached");
		expect(verdict).toMatchObject({
			kind: "halt",
			sentence: "friendly is worse than tolerated in error-rate. Stop it.",
			reasons: [{ rule: "guardrail-breached", variant: "friendly", metric: "error-rate" }],
		});
	});

	test("a breach that only notifies halts nothing, but nothing ships over it", async () => {
		const { verdict } = await analyzeExperiment({
			store: storeOf(arms(binary(4000, 4), binary(4000, 2)), [], null, { friendly: 80 }),
			experiment: experimentOf({
				guardrails: [{ metric: "error-rate", nonInferiorityMargin: 0.5, onBreach: "notify" }],
			}),
			now,
		});
		expect(verdict).toMatchObject({ kind: "keep-running", reasons: [{ rule: "guardrail-breached" }] });
	});

	test("swapping the arms swaps the verdict", async () => {
		const results = await analyzeExperiment({
			store: storeOf(arms(binary(2000, 2), binary(2000, 4))),
			experiment: experimentOf(),
			now,
		});
		expect(results.verdict).toMatchObject({
			kind: "halt",
			sentence: "friendly is worse than control in feedback. Stop it.",
			reasons: [{ rule: "primary-worse", variant: "friendly" }],
		});
	});

	test("equal arms keep running", async () => {
		const results = await analyzeExperiment({
			store: storeOf(arms(binary(2000, 3), binary(2000, 3))),
			experiment: experimentOf(),
			now,
		});
		expect(results.verdict.kind).toBe("keep-running");
		expect(results.metrics[0]?.comparisons[0]?.conclusion).toBe("undecided");
	});

	test.each([
		[
			"the planned units have come",
			{ plannedUnits: 4000 },
			"The 4000 planned units have come",
			"planned-units-reached",
		],
		["it was stopped", { status: "stopped" }, "Iteration 1 is not running", "primary-undecided"],
	])("what is not shown is inconclusive once %s", async (_name, change, sentence, rule) => {
		const { verdict } = await analyzeExperiment({
			store: storeOf(arms(binary(2000, 3), binary(2000, 3))),
			experiment: experimentOf(change),
			now,
		});
		expect(verdict.kind).toBe("inconclusive");
		expect(verdict.sentence).toContain(sentence);
		expect(verdict.reasons[0]?.rule).toBe(rule);
	});

	test("what was shown stays shown after a stop", async () => {
		const stoppedWith = async (friendly: number[]) =>
			(
				await analyzeExperiment({
					store: storeOf(arms(binary(20_000, 3), friendly)),
					experiment: experimentOf({ status: "stopped" }),
					now,
				})
			).verdict;
		expect((await stoppedWith(binary(20_000, 2))).kind).toBe("ship");
		expect(await stoppedWith(binary(20_000, 4))).toMatchObject({
			kind: "halt",
			sentence: "friendly is worse than control in feedback. Do not ship it.",
		});
	});

	test("below 50 units there is no number, and the verdict says so", async () => {
		const results = await analyzeExperiment({
			store: storeOf(arms(binary(49, 3), binary(60, 3))),
			experiment: experimentOf(),
			now,
		});
		expect(results.metrics[0]?.comparisons[0]).toMatchObject({
			conclusion: "too-few",
			absoluteEffect: { kind: "not-estimable", reason: "too-few-units" },
			pValue: null,
		});
		expect(results.verdict).toMatchObject({
			kind: "keep-running",
			reasons: [
				{ rule: "primary-unmeasured", message: "The primary metric: The smaller arm has 49 of the 50 units it needs." },
				{ rule: "guardrail-inconclusive" },
			],
		});
	});

	test("no data at all", async () => {
		const results = await analyzeExperiment({ store: storeOf(totalsOf({})), experiment: experimentOf(), now });
		expect(results.verdict.kind).toBe("no-data");
		expect(results.guardrails[0]?.status).toBe("unmeasured");
	});

	test("a sample ratio mismatch voids every effect", async () => {
		const results = await analyzeExperiment({
			store: storeOf(arms(binary(3000, 4), binary(2000, 2))),
			experiment: experimentOf(),
			now,
		});
		expect(results.sampleRatioMismatch).toMatchObject({ kind: "estimated", mismatch: true });
		expect(results.verdict.kind).toBe("invalid");
	});

	test("units in two arms above 1 % void every effect, below they do not", async () => {
		const withExcluded = (excluded: number) => ({ ...arms(binary(2000, 4), binary(2000, 2)), excludedUnits: excluded });
		const many = await analyzeExperiment({ store: storeOf(withExcluded(100)), experiment: experimentOf(), now });
		expect(many.verdict.kind).toBe("invalid");
		const few = await analyzeExperiment({ store: storeOf(withExcluded(10)), experiment: experimentOf(), now });
		expect(few.verdict.kind).toBe("keep-running");
		expect(few.excludedUnits).toBe(10);
	});

	test("passing needs evidence: an increase above the margin is ruled out", async () => {
		const guardrail = async (margin: number) =>
			(
				await analyzeExperiment({
					store: storeOf(arms(binary(20_000, 4), binary(20_000, 4))),
					experiment: experimentOf({ guardrails: [{ metric: "error-rate", nonInferiorityMargin: margin }] }),
					now,
				})
			).guardrails[0]?.status;
		expect(await guardrail(0.5)).toBe("passing");
		expect(await guardrail(0.01)).toBe("inconclusive");
	});

	test("after a halt the evidence is closed at the revision that the halt found, and at its time", async () => {
		const store = storeOf(arms(binary(2000, 4), binary(2000, 2)), [haltDecision]);
		const metricTotals = vi.spyOn(store, "metricTotals");
		const results = await analyzeExperiment({ store, experiment: experimentOf(), now });
		expect(store.asked).toEqual([7]);
		expect(metricTotals.mock.calls[0]?.[0].closedAt).toEqual(new Date(haltDecision.decidedAt));
		expect(results.status).toBe("halted");
		expect(results.closedAtRevision).toBe(7);
		expect(results.verdict.kind).toBe("halted");
		expect(results.verdict.sentence).toContain("error-rate of friendly is too high");
		expect(results.verdict.treatments).toMatchObject([{ variant: "friendly", kind: "inconclusive" }]);
		// Halting on errors does not take away what was learnt.
		expect(results.metrics[0]?.comparisons[0]?.conclusion).toBe("better");
	});

	test("events that cannot be are named from the first one on", async () => {
		const store = {
			...storeOf(arms(binary(2000, 4), binary(2000, 2))),
			evidenceHealth: async () => [
				{ source: "evaluations" as const, environment: "", rows: 900, quarantined: 1, undated: 0 },
				{ source: "exposures" as const, environment: "", rows: 900, quarantined: 0, undated: 0 },
			],
		};
		const { warnings } = await analyzeExperiment({ store, experiment: experimentOf(), now });
		expect(warnings.filter(({ code }) => code === "metric-rows-quarantined")).toMatchObject([
			{ variant: null, metric: null, message: expect.stringMatching(/^1 of 900 evaluations/) },
		]);
	});

	test("of a metric from SQL of one's own it is said that its rows may change later", async () => {
		const mine = { key: "mine", source: "sql", kind: "mean", value: "numerator", direction: "increase" };
		const { metrics } = await analyzeExperiment({
			store: storeOf(arms(binary(2000, 4), binary(2000, 2))),
			experiment: experimentOf({
				metrics: [{ ...mine, query: "SELECT unit_id, time, 1 AS numerator FROM orders" }],
				secondaryMetrics: ["mine"],
			}),
			now,
		});
		const said = metrics.filter(({ caveats }) => caveats.some((caveat) => caveat.includes("even after a halt")));
		expect(said.map(({ metric }) => metric)).toEqual(["mine"]);
	});

	test("calls to treatment well after the halt are named; those under way when it came are not", async () => {
		const verdictOf = async (at: string) => {
			const store = storeOf(arms(binary(2000, 4), binary(2000, 2)), [haltDecision], new Date(at));
			return (await analyzeExperiment({ store, experiment: experimentOf(), now })).verdict;
		};
		expect((await verdictOf("2026-11-20T11:00:30Z")).sentence).toMatch(/Everybody gets control\.$/);
		const ignored = await verdictOf("2026-11-20T11:30:00Z");
		expect(ignored.sentence).toMatch(/still routes to treatment\.$/);
		expect(ignored.reasons).toMatchObject([
			{ rule: "halt-ignored", message: expect.stringContaining("friendly was called at 2026-11-20T11:30:00.000Z") },
			{ rule: "halted", variant: "friendly", metric: "error-rate" },
		]);
	});

	test("an arm whose prompt did not reach the model is no arm", async () => {
		const totals = arms(binary(2000, 4), binary(2000, 2));
		totals.arms[1]!.undeliveredCalls = 2000;
		const results = await analyzeExperiment({ store: storeOf(totals), experiment: experimentOf(), now });
		expect(results.verdict.kind).toBe("invalid");
		expect(results.verdict.reasons).toMatchObject([
			{ rule: "prompt-undelivered", variant: "friendly", message: expect.stringMatching(/^100\.0 %/) },
		]);
		totals.arms[1]!.undeliveredCalls = 0;
		totals.arms[0]!.undeliveredCalls = 2000;
		const control = await analyzeExperiment({ store: storeOf(totals), experiment: experimentOf(), now });
		expect(control.verdict).toMatchObject({ kind: "invalid", reasons: [{ variant: "control" }] });
		totals.arms[0]!.undeliveredCalls = 0;
		totals.arms[1]!.undeliveredCalls = 20;
		const few = await analyzeExperiment({ store: storeOf(totals), experiment: experimentOf(), now });
		expect(few.verdict.kind).toBe("keep-running");
	});

	test("of several treatments each has its verdict, and one halt halts", async () => {
		const errors = { "error-rate": momentsOf(binary(20_000, 50)) };
		const arm = (every: number) => ({ units: 20_000, feedback: momentsOf(binary(20_000, every)), ...errors });
		const experiment = experimentOf({
			variants: ["control", "friendly", "terse"].map((key, index) => ({ key, version: `${index + 1}.0.0` })),
		});
		const verdictOf = async (terse: number, excluded = 0) =>
			(
				await analyzeExperiment({
					store: storeOf(totalsOf({ control: arm(3), friendly: arm(2), terse: arm(terse) }, excluded)),
					experiment,
					now,
				})
			).verdict;
		expect(await verdictOf(3)).toMatchObject({
			kind: "ship",
			sentence: expect.stringMatching(/^friendly may be shipped/),
			treatments: [
				{ variant: "friendly", kind: "ship" },
				{ variant: "terse", kind: "inconclusive" },
			],
		});
		expect(await verdictOf(4)).toMatchObject({
			kind: "halt",
			sentence: "terse is worse than control in feedback. Stop it.",
			treatments: [{ kind: "ship" }, { kind: "halt" }],
		});
		const broken = await verdictOf(4, 10_000);
		expect(broken.kind).toBe("invalid");
		// Broken for the experiment as a whole, so it is said once.
		expect(broken.reasons.filter(({ rule }) => rule === "units-in-two-arms")).toMatchObject([{ variant: null }]);
	});

	test("every number is that of the design: weights, treatments and planned units", async () => {
		const experiment = experimentOf({
			alpha: 0.08,
			plannedUnits: 50_000,
			variants: [
				{ key: "control", version: "1.0.0", weight: 5 },
				{ key: "friendly", version: "2.0.0", weight: 3 },
				{ key: "terse", version: "3.0.0", weight: 2 },
			],
			guardrails: [{ metric: "error-rate", nonInferiorityMargin: 0.3 }],
		});
		const units = { control: 5000, friendly: 3000, terse: 2000 };
		const every = { control: 20, friendly: 21, terse: 19 };
		const keys = ["control", "friendly", "terse"] as const;
		const moments = Object.fromEntries(keys.map((key) => [key, momentsOf(binary(units[key], every[key]))]));
		const totals = totalsOf(
			Object.fromEntries(
				keys.map((key) => [key, { units: units[key], feedback: moments[key]!, "error-rate": moments[key]! }]),
			),
		);
		// A breach of one treatment is no other's.
		const store = storeOf(totals, [], null, { terse: 80 });
		const results = await analyzeExperiment({ store, experiment, now });

		const ofPair = (key: "friendly" | "terse", plannedUnits: number, plannedShare: number) => {
			const [control, treatment] = [moments.control!, moments[key]!].map(({ scale: _, ...sums }) => ({
				...sums,
				units: BigInt(sums.units),
			}));
			const pair = { control: control!, treatment: treatment!, alpha: 0.04, plannedUnits, plannedShare };
			const scale = 1e6;
			const [twoSided, oneSided] = [
				compareRatios({ ...pair, scale }),
				compareOneSided({ ...pair, margin: 0.3, marginScale: "relative", direction: "decrease" }),
			];
			if (twoSided.kind !== "estimated" || oneSided.kind !== "estimated") throw new Error("expected numbers");
			return { twoSided, oneSided };
		};
		const friendly = ofPair("friendly", 40_000, 3 / 8);
		const terse = ofPair("terse", 35_000, 2 / 7);
		const pValues = holm([friendly.oneSided.nonInferiorityPValue, terse.oneSided.nonInferiorityPValue]);
		expect(results.guardrails.map(({ nonInferiorityPValue }) => nonInferiorityPValue)).toEqual(pValues);
		expect(Math.max(...pValues)).toBeLessThan(1);
		expect(results.metrics[0]?.comparisons.map(({ pValue, absoluteEffect }) => ({ pValue, absoluteEffect }))).toEqual(
			[friendly, terse].map(({ twoSided: { pValue, absoluteEffect } }) => {
				const { standardError: _, ...effect } = absoluteEffect;
				return { pValue, absoluteEffect: effect };
			}),
		);
		expect(results.verdict.treatments).toMatchObject([
			{ variant: "friendly", kind: "keep-running" },
			{ variant: "terse", kind: "halt" },
		]);
	});

	test("the experiment's alpha decides", async () => {
		const analyzed = async (alpha: number) =>
			analyzeExperiment({
				store: storeOf(
					arms(
						binary(2000, 2),
						binary(2000, 3).map((value, index) => (index % 11 === 0 ? 1 : value)),
					),
				),
				experiment: experimentOf({ alpha }),
				now,
			});
		const results = await analyzed(0.05);
		const pValue = results.metrics[0]?.comparisons[0]?.pValue ?? 1;
		expect(results.verdict.kind).toBe("halt");
		expect((await analyzed(pValue / 10)).verdict.kind).toBe("keep-running");
	});

	test("the share of units in two arms is of all units", async () => {
		const verdictOf = async (excludedUnits: number) =>
			(
				await analyzeExperiment({
					store: storeOf({ ...arms(binary(1980, 3), binary(1980, 3)), excludedUnits }),
					experiment: experimentOf(),
					now,
				})
			).verdict.kind;
		expect(await verdictOf(40)).toBe("keep-running");
		expect(await verdictOf(41)).toBe("invalid");
	});

	test("an imbalance that chance explains is no mismatch", async () => {
		const { sampleRatioMismatch } = await analyzeExperiment({
			store: storeOf(arms(binary(2000, 3), binary(2220, 3))),
			experiment: experimentOf(),
			now,
		});
		expect(sampleRatioMismatch).toMatchObject({ kind: "estimated", mismatch: false });
		expect(sampleRatioMismatch.kind === "estimated" && sampleRatioMismatch.pValue).toBeLessThan(0.5);
	});

	test("an error rate of the intervals for which no one-sided bound exists is refused", () => {
		expect(() => experimentOf({ alpha: 0.5 })).toThrow(/alpha/);
	});
});
