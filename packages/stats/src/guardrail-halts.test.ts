import { describe, expect, it } from "vitest";
import { guardrailHalts } from "./guardrail-halts.ts";
import { notEstimable } from "./not-estimable.ts";

const e = (logEValue: number) => ({ kind: "estimated", logEValue }) as const;

describe("guardrailHalts", () => {
	it("splits alpha evenly, also over those that say nothing", () => {
		const halts = guardrailHalts(
			{
				errors: e(Math.log(60)),
				latency: e(Math.log(59.9)),
				cost: notEstimable("no-observations", "No cost."),
			},
			0.05,
		);
		expect(halts.breached).toEqual(["errors"]);
		expect(halts.unmeasured).toEqual(["cost"]);
		expect(halts.logThreshold).toBeCloseTo(Math.log(60), 12);
		expect(halts.alphaPerGuardrail).toBeCloseTo(0.05 / 3, 15);
	});

	it("takes evidence beyond any number, and none", () => {
		expect(guardrailHalts({ a: e(Number.NEGATIVE_INFINITY), b: e(1e9) }, 0.01).breached).toEqual(["b"]);
		expect(guardrailHalts({ a: e(Math.log(20)) }, 0.05).breached).toEqual(["a"]);
	});

	it("refuses what makes no sense", () => {
		expect(() => guardrailHalts({}, 0.05)).toThrow(expect.objectContaining({ code: "INVALID_COUNT" }));
		expect(() => guardrailHalts({ a: e(Number.NaN) }, 0.05)).toThrow(
			expect.objectContaining({ code: "INVALID_STATISTIC" }),
		);
		expect(() => guardrailHalts({ a: e(1) }, 0)).toThrow(expect.objectContaining({ code: "INVALID_ALPHA" }));
	});
});
