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
	primaryLooks: [],
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

test("what the primary metric shows names the look that was tested, with its units, and looks that were not", () => {
	const at = (number: number) => ({
		...{ number, of: 3, units: 100 * number, evidenceUntil: "2026-11-20T10:00:00.000Z", final: false },
	});
	const primaryLooks: TreatmentVerdictOptions["primaryLooks"] = [
		{ ...at(1), kind: "not-tested", reason: "too-few-units", message: "Nine units." },
		{
			...{ ...at(2), kind: "tested", spendingTime: 2 / 3, informationRatio: 1 },
			...{ zScore: -2.6, bound: 2.5, basis: "union" },
		},
	];
	const primary = { kind: "estimated", betterPValue: 1, worsePValue: 0.04 } as const;
	expect(treatmentVerdict({ ...shippable, primary, primaryLooks }).reasons.map(({ message }) => message)).toEqual([
		"The primary metric is shown to be worse (p = 0.040). Look 2 of 3, of 200 units: z −2.60 against ±2.50. Look 2 cannot be placed beside those before (no more information, or values of units have grown), and was tested alone, at its share of alpha. Look 1 of 3 could not be tested: Nine units.",
	]);
	const [breached] = treatmentVerdict({ ...shippable, primaryLooks, guardrails: [guardrail(4)] }).reasons;
	expect(breached?.message).not.toContain("Look");
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
