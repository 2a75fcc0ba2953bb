import { describe, expect, test } from "vitest";
import { type TreatmentVerdictOptions, treatmentVerdict } from "./treatment-verdict.ts";

const arm = (key: string, undeliveredCalls: number) => ({
	key,
	calls: 1000,
	undeliveredCalls,
});
const guardrail = (logEValue: number): TreatmentVerdictOptions["guardrails"][number] => ({
	guardrail: { metric: "error-rate", nonInferiorityMargin: 0.5, onBreach: "halt" },
	variant: "friendly",
	harm: "80 units",
	evidence: {
		harm: { kind: "estimated", logEValue, logThreshold: 3 },
		nonInferiority: { kind: "estimated", pValue: 0.01 },
	},
});
const shippable: TreatmentVerdictOptions = {
	variant: "friendly",
	alpha: 0.05,
	moreToCome: true,
	sampleRatio: { kind: "estimated", pValue: 0.4, mismatch: false },
	excludedShare: 0,
	primaryMetric: "feedback",
	primary: { kind: "estimated", betterPValue: 0.01, worsePValue: 1 },
	guardrails: [guardrail(-1)],
	arms: [arm("control", 0), arm("friendly", 50)],
};
const rules = (options: TreatmentVerdictOptions) =>
	treatmentVerdict(options).reasons.map(({ rule, variant }) => `${rule}: ${variant}`);

test("the verdict of the statistics, each reason with what it is about", () => {
	expect(treatmentVerdict(shippable)).toMatchObject({ variant: "friendly", kind: "ship" });
	expect(treatmentVerdict({ ...shippable, guardrails: [guardrail(4)] })).toMatchObject({
		kind: "halt",
		reasons: [{ rule: "guardrail-breached", variant: "friendly", metric: "error-rate" }],
	});
});

test("a reason about the primary metric names it", () => {
	const worse = { kind: "estimated", betterPValue: 1, worsePValue: 0.001 } as const;
	expect(treatmentVerdict({ ...shippable, primary: worse })).toMatchObject({
		kind: "halt",
		reasons: [{ rule: "primary-worse", variant: "friendly", metric: "feedback" }],
	});
});

describe("when a prompt did not reach the model", () => {
	const undelivered = { ...shippable, arms: [arm("control", 51), arm("friendly", 0)] };

	test("nothing is concluded of the primary metric, in either direction", () => {
		expect(treatmentVerdict(undelivered).kind).toBe("invalid");
		expect(rules(undelivered)).toEqual(["prompt-undelivered: control"]);
		const worse = { kind: "estimated", betterPValue: 1, worsePValue: 0.001 } as const;
		expect(treatmentVerdict({ ...undelivered, primary: worse }).kind).toBe("invalid");
	});

	test("a breach halts all the same, and both are named", () => {
		const breached = { ...undelivered, guardrails: [guardrail(4)] };
		expect(treatmentVerdict(breached).kind).toBe("halt");
		expect(rules(breached)).toEqual(["guardrail-breached: friendly", "prompt-undelivered: control"]);
	});

	test("a breach that only notifies does not count", () => {
		const { evidence, ...rest } = guardrail(4);
		const notifying = {
			...undelivered,
			guardrails: [{ ...rest, evidence: { ...evidence, onBreach: "notify" as const } }],
		};
		expect(treatmentVerdict(notifying).kind).toBe("invalid");
	});

	test("a broken assignment is named beside it", () => {
		expect(rules({ ...undelivered, sampleRatio: { kind: "estimated", pValue: 1e-6, mismatch: true } })).toEqual([
			"sample-ratio-mismatch: null",
			"prompt-undelivered: control",
		]);
	});
});
