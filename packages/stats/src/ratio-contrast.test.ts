import { describe, expect, it } from "vitest";
import { ratioSumsOfMean } from "./mean-estimate.ts";
import { ratioContrast } from "./ratio-contrast.ts";
import { estimated } from "./test-support/estimated.ts";
import { ratioSumsOf } from "./test-support/ratio-sums-of.ts";

const SUMS = ratioSumsOf([
	[1, 1],
	[2, 1],
]);

describe("ratioContrast", () => {
	it("tells apart what agrees in most digits", () => {
		const far = 10n ** 15n;
		const sums = (values: bigint[]) =>
			ratioSumsOfMean({
				units: BigInt(values.length),
				sumY: values.reduce((sum, value) => sum + value, 0n),
				sumYY: values.reduce((sum, value) => sum + value * value, 0n),
			});
		const [control, treatment] = [sums([far, far + 1n, far + 2n]), sums([far + 1n, far + 1n, far + 3n])];
		expect(estimated(ratioContrast(control, treatment)).difference).toBe(2 / 3);
		expect(estimated(ratioContrast(control, treatment, { scale: 1000 })).difference).toBe(2 / 3000);
	});

	it("weighs either arm by its own observations", () => {
		const other = ratioSumsOf([
			[3, 2],
			[5, 5],
			[1, 1],
		]);
		expect(estimated(ratioContrast(SUMS, other)).difference).toBeCloseTo(9 / 8 - 3 / 2, 15);
	});

	it("takes rounded sums as they are, and passes on why an arm says nothing", () => {
		const halves = ratioSumsOf([
			[1.5, 1],
			[2.25, 1],
		]);
		expect(estimated(ratioContrast(SUMS, halves)).difference).toBeCloseTo(0.375, 12);
		expect(ratioContrast(SUMS, ratioSumsOf([]))).toMatchObject({ reason: "too-few-units" });
		expect(ratioContrast(ratioSumsOf([]), SUMS)).toMatchObject({ reason: "too-few-units" });
		const still = ratioSumsOf([
			[1, 1],
			[1, 1],
		]);
		expect(ratioContrast(still, still)).toEqual({
			kind: "not-estimable",
			reason: "no-variation",
			message: expect.any(String),
		});
	});
});
