import type { Decision } from "@armspan/schema";
import { ExperimentResults } from "@armspan/schema";
import { describe, expect, test } from "vitest";
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
) {
	const asked: (number | undefined)[] = [];
	return {
		asked,
		lastCallStart: async () => lastTreatmentCallAt,
		listDecisions: async () => decisions,
		variantTotals: async ({ untilRevision }: { untilRevision?: number }) => {
			asked.push(untilRevision);
			return totals;
		},
		violationWindows: async () => totals.variants.map(({ variant }) => windowsOf(variant, { 0: 2 })),
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
	test("a clear difference in the wanted direction is better, and the results are valid against their schema", async () => {
		const results = await analyzeExperiment({
			store: storeOf(arms(binary(2000, 4), binary(2000, 2))),
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
		expect(results.verdict.kind).toBe("better");
	});

	test("swapping the arms swaps the verdict", async () => {
		const results = await analyzeExperiment({
			store: storeOf(arms(binary(2000, 2), binary(2000, 4))),
			experiment: experimentOf(),
			now,
		});
		expect(results.verdict.kind).toBe("worse");
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
		expect(results.verdict.kind).toBe("too-few");
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
		expect(few.verdict.kind).toBe("better");
		expect(few.excludedUnits).toBe(10);
	});

	test("passing needs evidence: an interval below the margin", async () => {
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

	test("after a halt the evidence is closed at the revision that the halt found", async () => {
		const store = storeOf(arms(binary(2000, 4), binary(2000, 2)), [haltDecision]);
		const results = await analyzeExperiment({ store, experiment: experimentOf(), now });
		expect(store.asked).toEqual([7]);
		expect(results.status).toBe("halted");
		expect(results.closedAtRevision).toBe(7);
		expect(results.verdict.kind).toBe("halted");
		expect(results.verdict.sentence).toContain("error-rate of friendly is too high");
		// Halting on errors does not take away what was learnt.
		expect(results.metrics[0]?.comparisons[0]?.conclusion).toBe("better");
	});

	test("calls to treatment well after the halt are named; those under way when it came are not", async () => {
		const verdictOf = async (at: string) => {
			const store = storeOf(arms(binary(2000, 4), binary(2000, 2)), [haltDecision], new Date(at));
			return (await analyzeExperiment({ store, experiment: experimentOf(), now })).verdict;
		};
		expect((await verdictOf("2026-11-20T11:00:30Z")).sentence).toMatch(/Everybody gets control\.$/);
		const ignored = await verdictOf("2026-11-20T11:30:00Z");
		expect(ignored.sentence).toMatch(/still routes to treatment\.$/);
		expect(ignored.reasons.join()).toContain("friendly was called at 2026-11-20T11:30:00.000Z");
	});

	test("an arm whose prompt did not reach the model is no arm", async () => {
		const totals = arms(binary(2000, 4), binary(2000, 2));
		totals.variants[1]!.undeliveredCalls = 2000;
		const results = await analyzeExperiment({ store: storeOf(totals), experiment: experimentOf(), now });
		expect(results.verdict.kind).toBe("invalid");
		expect(results.verdict.reasons.join()).toContain("friendly: 100.0 %");
		totals.variants[1]!.undeliveredCalls = 20;
		const few = await analyzeExperiment({ store: storeOf(totals), experiment: experimentOf(), now });
		expect(few.verdict.kind).toBe("better");
	});
});
