import { describe, expect, it } from "vitest";
import type { GroupSequentialDesign, GroupSequentialLook } from "./group-sequential-boundary.ts";
import { groupSequentialTest } from "./group-sequential-test.ts";
import { seededRandom } from "./test-support/seeded-random.ts";

const design: GroupSequentialDesign = { alpha: 0.05, sides: 2, spending: { kind: "obrien-fleming" } };
const plannedVariance = 0.01;

function look(pastLooks: readonly GroupSequentialLook[], value: number, variance: number, options = {}) {
	const result = groupSequentialTest({ design, pastLooks, effect: { value, variance }, plannedVariance, ...options });
	if (result.kind === "not-estimable") throw new Error(result.message);
	return result;
}

describe("groupSequentialTest", () => {
	it("measures information by variance and holds z against the bound", () => {
		const first = look([], 0.3, 0.05);
		expect(first.look).toEqual({
			spendingTime: expect.closeTo(0.2, 12),
			units: null,
			level: null,
			basis: "joint",
			informationFraction: expect.closeTo(0.2, 12),
			efficacyBound: expect.closeTo(4.8769, 3),
			futilityBound: null,
		});
		expect(first.z).toBeCloseTo(0.3 / Math.sqrt(0.05), 12);
		expect(first.conclusion).toBe("continue");
		expect(first.upper! - 0.3).toBeCloseTo(first.look.efficacyBound * Math.sqrt(0.05), 12);
		expect(look([first.look], 0.9, 0.02).conclusion).toBe("reject");
		expect(look([first.look], -0.9, 0.02).conclusion).toBe("reject");
	});

	it("rejects exactly when its interval excludes 0", () => {
		for (const value of [-0.25, -0.2, -0.1, 0.1, 0.19, 0.2, 0.3]) {
			const { conclusion, lower, upper } = look([], value, 0.01);
			expect(conclusion === "reject").toBe(lower > 0 || upper! < 0);
			expect(conclusion).toBe(Math.abs(value) > 0.196 ? "reject" : "accept");
		}
	});

	it("accepts at the end only", () => {
		expect(look([], 0.01, 0.011).conclusion).toBe("continue");
		expect(look([], 0.01, 0.011, { final: true }).conclusion).toBe("accept");
		expect(look([], 0.01, 0.009).conclusion).toBe("accept");
	});

	it("is one-sided without an upper bound, and may find it futile", () => {
		const futility = { beta: 0.2, spending: { kind: "hwang-shih-decani", gamma: -2 } as const, drift: 2.8 };
		const oneSided: GroupSequentialDesign = { ...design, alpha: 0.025, sides: 1, futility };
		const result = look([], -0.1, 0.02, { design: oneSided });
		expect(result.conclusion).toBe("futile");
		expect(result.upper).toBeNull();
		// Above the futility bound, below the one for efficacy.
		expect(look([], 0.2, 0.02, { design: oneSided }).conclusion).toBe("continue");
		expect(look([], -1, 0.01, { design: oneSided }).conclusion).toBe("accept");
	});

	it.each([
		["no-variation", 0.1, 0],
		["no-variation", 0.1, -1],
		["non-finite", Number.NaN, 0.1],
		["non-finite", 0.1, Number.POSITIVE_INFINITY],
		["non-finite", 0.1, 1e-320],
	])("is not estimable: %s", (reason, value, variance) => {
		expect(groupSequentialTest({ design, pastLooks: [], effect: { value, variance }, plannedVariance })).toMatchObject({
			kind: "not-estimable",
			reason,
		});
	});

	it("passes on that there is no new information", () => {
		const { look: first } = look([], 0.1, 0.05);
		const again = groupSequentialTest({
			design,
			pastLooks: [first],
			effect: { value: 0.1, variance: 0.06 },
			plannedVariance,
		});
		expect(again).toMatchObject({ reason: "no-new-information" });
	});

	it("needs no planned variance where the plan says how far it has come", () => {
		const units = { control: 10, treatment: 10 };
		const options = { plannedVariance: undefined, spendingTime: 0.2, units };
		const first = look([], 0.3, 0.05, options);
		expect(first.look).toMatchObject({ spendingTime: 0.2, informationFraction: 20, units });
		expect(first.look.efficacyBound).toBeCloseTo(4.8769, 3);
		expect(first.conclusion).toBe("continue");
		const last = look([first.look], 0.3, 0.06, { ...options, spendingTime: 1 });
		expect(last).toMatchObject({ conclusion: "accept", look: { basis: "union" } });
		expect(() => groupSequentialTest({ design, pastLooks: [], effect: { value: 0, variance: 1 } })).toThrow(
			expect.objectContaining({ code: "INVALID_PLANNED_VARIANCE" }),
		);
	});

	it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("refuses a planned variance of %d", (planned) => {
		const effect = { value: 0, variance: 1 };
		expect(() => groupSequentialTest({ design, pastLooks: [], effect, plannedVariance: planned })).toThrow(
			expect.objectContaining({ code: "INVALID_PLANNED_VARIANCE" }),
		);
	});

	it("errs at its rate when variances are estimated and looks come at any time", () => {
		const streams = 1500;
		let rejections = 0;
		for (let stream = 0; stream < streams; stream++) {
			const random = seededRandom(60_000 + stream);
			const looks: GroupSequentialLook[] = [];
			let [sum, squares, units] = [0, 0, 0];
			for (let at = 0; at < 5; at++) {
				const until = at === 4 ? 1000 : units + 100 + random.integer(100);
				while (units < until) {
					const value = random.normal();
					sum += value;
					squares += value * value;
					units++;
				}
				const mean = sum / units;
				const variance = (squares / units - mean * mean) / (units - 1);
				const effect = { value: mean, variance };
				const result = groupSequentialTest({
					design,
					pastLooks: looks,
					effect,
					plannedVariance: 0.001,
					final: at === 4,
				});
				if (result.kind === "not-estimable") continue;
				looks.push(result.look);
				if (result.conclusion === "reject") {
					rejections++;
					break;
				}
			}
		}
		// 0.05 ± 4 standard errors; the fixed bound at every look gives 0.14.
		expect(rejections / streams).toBeGreaterThan(0.027);
		expect(rejections / streams).toBeLessThan(0.073);
	});
});
