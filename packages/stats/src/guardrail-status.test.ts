import { describe, expect, it } from "vitest";
import { type GuardrailEvidence, guardrailStatus } from "./guardrail-status.ts";
import { notEstimable } from "./not-estimable.ts";

const nothing = notEstimable("no-observations", "Nothing was measured.");
const harm = (logEValue: number) => ({ kind: "estimated", logEValue, logThreshold: 3 }) as const;
const nonInferiority = (pValue: number) => ({ kind: "estimated", pValue }) as const;

describe("guardrailStatus", () => {
	it.each([
		["breached at its threshold", { harm: harm(3), nonInferiority: nothing }, "breached"],
		["breached whatever else is claimed", { harm: harm(4), nonInferiority: nonInferiority(0) }, "breached"],
		["passing when that is shown", { harm: harm(2), nonInferiority: nonInferiority(0.049) }, "passing"],
		["passing without a measure of harm", { harm: nothing, nonInferiority: nonInferiority(0.01) }, "passing"],
		["inconclusive at alpha itself", { harm: harm(2), nonInferiority: nonInferiority(0.05) }, "inconclusive"],
		["inconclusive, not passing, without harm", { harm: harm(-50), nonInferiority: nothing }, "inconclusive"],
		["inconclusive without a measure of harm", { harm: nothing, nonInferiority: nonInferiority(1) }, "inconclusive"],
		["unmeasured without either", { harm: nothing, nonInferiority: nothing }, "unmeasured"],
	] satisfies [string, GuardrailEvidence, string][])("is %s", (_, evidence, status) => {
		expect(guardrailStatus(evidence, 0.05)).toBe(status);
	});

	it.each([
		[{ harm: harm(Number.NaN), nonInferiority: nothing }, 0.05, "INVALID_STATISTIC"],
		[{ harm: { ...harm(1), logThreshold: Number.NaN }, nonInferiority: nothing }, 0.05, "INVALID_STATISTIC"],
		[{ harm: nothing, nonInferiority: nonInferiority(-0.1) }, 0.05, "INVALID_P_VALUE"],
		[{ harm: nothing, nonInferiority: nothing }, 1, "INVALID_ALPHA"],
	] satisfies [GuardrailEvidence, number, string][])("refuses %o at %d", (evidence, alpha, code) => {
		expect(() => guardrailStatus(evidence, alpha)).toThrow(expect.objectContaining({ code }));
	});
});
