import { describe, expect, it } from "vitest";
import { intersectionUnion } from "./intersection-union.ts";
import { notEstimable } from "./not-estimable.ts";

const p = (pValue: number) => ({ kind: "estimated", pValue }) as const;

describe("intersectionUnion", () => {
	it("is shown when everything is, each at the full alpha", () => {
		expect(intersectionUnion({ quality: p(0.04), errors: p(0.001), latency: p(0.03) }, 0.05)).toEqual({
			kind: "estimated",
			pValue: 0.04,
			shown: true,
			missing: [],
		});
	});

	it("names what is missing", () => {
		expect(intersectionUnion({ quality: p(0.05), errors: p(0.001), latency: p(0.3) }, 0.05)).toEqual({
			kind: "estimated",
			pValue: 0.3,
			shown: false,
			missing: ["quality", "latency"],
		});
	});

	it("does not take silence for consent", () => {
		const silent = notEstimable("no-observations", "No feedback.");
		expect(intersectionUnion({ quality: p(0.001), feedback: silent }, 0.05)).toEqual(
			notEstimable("no-observations", 'Requirement "feedback": No feedback.'),
		);
	});

	it("refuses what makes no sense", () => {
		expect(() => intersectionUnion({}, 0.05)).toThrow(expect.objectContaining({ code: "INVALID_COUNT" }));
		expect(() => intersectionUnion({ a: p(Number.NaN) }, 0.05)).toThrow(
			expect.objectContaining({ code: "INVALID_P_VALUE" }),
		);
		expect(() => intersectionUnion({ a: p(0.5) }, 1)).toThrow(expect.objectContaining({ code: "INVALID_ALPHA" }));
	});
});
