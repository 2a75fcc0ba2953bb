import { describe, expect, it } from "vitest";
import { armsAgainstControl } from "./arms-against-control.ts";
import { normalUpperQuantile, twoSidedNormalTail } from "./normal-tail.ts";
import { notEstimable } from "./not-estimable.ts";
import { seededRandom } from "./test-support/seeded-random.ts";

const p = (pValue: number) => ({ kind: "estimated", pValue }) as const;

describe("armsAgainstControl", () => {
	it("adjusts by Holm, or by Benjamini and Hochberg", () => {
		const comparisons = { concise: p(0.015625), friendly: p(0.03), long: p(0.6) };
		const { arms, intervalAlpha } = armsAgainstControl(comparisons, { alpha: 0.05 });
		expect(arms).toEqual({
			concise: { kind: "estimated", pValue: 0.015625, adjustedPValue: 0.046875, differs: true },
			friendly: { kind: "estimated", pValue: 0.03, adjustedPValue: 0.06, differs: false },
			long: { kind: "estimated", pValue: 0.6, adjustedPValue: 0.6, differs: false },
		});
		expect(intervalAlpha).toBeCloseTo(0.05 / 3, 15);
		expect(armsAgainstControl(comparisons, { alpha: 0.05, method: "benjamini-hochberg" }).arms.friendly).toMatchObject({
			adjustedPValue: 0.045,
			differs: true,
		});
	});

	it("does not claim at alpha itself", () => {
		expect(armsAgainstControl({ a: p(0.025), b: p(0.5) }, { alpha: 0.05 }).arms.a).toMatchObject({
			adjustedPValue: 0.05,
			differs: false,
		});
	});

	it("counts an arm that says nothing", () => {
		const nothing = notEstimable("too-few-units", "One unit.");
		const { arms } = armsAgainstControl({ concise: p(0.03), new: nothing }, { alpha: 0.05 });
		expect(arms).toMatchObject({ concise: { adjustedPValue: 0.06, differs: false }, new: nothing });
	});

	it("claims a difference of any arm as often as it says when none differs, although control is shared", () => {
		const random = seededRandom(17);
		const runs = 4000;
		const wrong = { adjusted: 0, plain: 0, intervals: 0 };
		for (let run = 0; run < runs; run++) {
			const control = random.normal();
			const z = Array.from({ length: 4 }, () => (random.normal() - control) / Math.SQRT2);
			const { arms, intervalAlpha } = armsAgainstControl(
				Object.fromEntries(z.map((value, arm) => [`arm${arm}`, p(twoSidedNormalTail(value))])),
				{ alpha: 0.05 },
			);
			if (Object.values(arms).some((arm) => arm.kind === "estimated" && arm.differs)) wrong.adjusted++;
			if (z.some((value) => Math.abs(value) > 1.96)) wrong.plain++;
			if (z.some((value) => Math.abs(value) > normalUpperQuantile(intervalAlpha / 2))) wrong.intervals++;
		}
		expect(wrong.adjusted / runs).toBeLessThan(0.055);
		expect(wrong.adjusted / runs).toBeGreaterThan(0.03);
		expect(wrong.intervals).toBe(wrong.adjusted);
		expect(wrong.plain / runs).toBeGreaterThan(0.12);
	});

	it("refuses what makes no sense", () => {
		expect(() => armsAgainstControl({}, { alpha: 0.05 })).toThrow(expect.objectContaining({ code: "INVALID_COUNT" }));
		expect(() => armsAgainstControl({ a: p(2) }, { alpha: 0.05 })).toThrow(
			expect.objectContaining({ code: "INVALID_P_VALUE" }),
		);
		expect(() => armsAgainstControl({ a: p(0.5) }, { alpha: 0 })).toThrow("invalid alpha: 0");
	});
});
