import { notEstimable } from "@armspan/stats";
import { expect, test } from "vitest";
import type { GuardrailFinding } from "./guardrail-findings.ts";
import { guardrailResult } from "./guardrail-result.ts";
import { experimentOf } from "./test-support.ts";

const finding = (logEValue: number, pValue: number | null, measured = true): GuardrailFinding => ({
	guardrail: { metric: "error-rate", nonInferiorityMargin: 0.25, onBreach: "halt" },
	variant: "friendly",
	harm: "40 units of friendly with a failed call, 2 of control",
	evidence: {
		harm: measured
			? { kind: "estimated", logEValue, logThreshold: 3 }
			: notEstimable("no-observations", "no call in one of the arms yet"),
		nonInferiority: pValue === null ? notEstimable("too-few-units", "Eleven units.") : { kind: "estimated", pValue },
		onBreach: "halt",
	},
});

test.each([
	["breached", finding(3, 0.01), "40 units of friendly with a failed call, 2 of control"],
	["passing", finding(-1, 0.012), "an increase above 25 % is ruled out (p = 0.012)"],
	["inconclusive", finding(-1, 0.05), "no breach, but an increase above 25 % is not ruled out (p = 0.050)"],
	["inconclusive", finding(-1, null), "no breach, but an increase above 25 % is not ruled out (Eleven units.)"],
	["unmeasured", finding(-1, null, false), "no call in one of the arms yet"],
])("%s, with what it is made of", (status, found, message) => {
	expect(guardrailResult(found, experimentOf())).toMatchObject({ status, message, nonInferiorityMargin: 0.25 });
});

test("of a metric of which more is better, less is the harm", () => {
	const found = { ...finding(-1, 0.012), guardrail: { ...finding(0, 0).guardrail, metric: "feedback" } };
	expect(guardrailResult(found, experimentOf())).toMatchObject({
		message: "a decrease by more than 25 % is ruled out (p = 0.012)",
	});
});

test("what there is no number for is null", () => {
	expect(guardrailResult(finding(Number.NEGATIVE_INFINITY, null), experimentOf())).toMatchObject({
		logEValue: null,
		logThreshold: 3,
		nonInferiorityPValue: null,
	});
	expect(guardrailResult(finding(1, 0.2, false), experimentOf())).toMatchObject({
		logEValue: null,
		logThreshold: null,
		nonInferiorityPValue: 0.2,
	});
});
