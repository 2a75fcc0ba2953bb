import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareRatios } from "./always-valid-comparison.ts";
import {
	compareProportionsSequentially,
	type SequentialProportionComparisonOptions,
} from "./sequential-proportion-comparison.ts";
import { bernoulliSums } from "./test-support/ratio-sums-of.ts";
import { seededRandom } from "./test-support/seeded-random.ts";

const design = { alpha: 0.05, plannedUnits: 10_000, plannedShare: 0.5 };

function compared(options: Pick<SequentialProportionComparisonOptions, "control" | "treatment">, change = {}) {
	const comparison = compareProportionsSequentially({ ...design, ...options, ...change });
	if (comparison.kind === "not-estimable") throw new Error(comparison.message);
	return comparison;
}

const arm = fc
	.tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 50, max: 5000 }))
	.map(([successes, more]) => ({ units: successes + more, successes }));

describe("compareProportionsSequentially", () => {
	it("counts effective units, from as many in the smaller arm as are asked for", () => {
		const options = { control: { units: 50, successes: 5 }, treatment: { units: 150, successes: 15 } };
		expect(compared(options).effectiveUnits).toBeCloseTo((4 * 50 * 150) / 200, 12);
		expect(compareProportionsSequentially({ ...design, ...options, minimumUnits: 51 })).toMatchObject({
			reason: "too-few-units",
		});
	});

	it("is nearly the comparison of means where events are many", () => {
		const options = { control: { units: 4000, successes: 400 }, treatment: { units: 4000, successes: 520 } };
		const { absoluteEffect } = compared(options);
		const means = compareRatios({ ...design, control: bernoulliSums(4000, 400), treatment: bernoulliSums(4000, 520) });
		if (means.kind === "not-estimable") throw new Error(means.message);
		expect(absoluteEffect.value).toBeCloseTo(0.03, 12);
		expect(absoluteEffect.lower).toBeCloseTo(means.absoluteEffect.lower, 3);
		expect(absoluteEffect.upper).toBeCloseTo(means.absoluteEffect.upper, 3);
	});

	it("has the variance of equal shares and half an event in the smaller arm", () => {
		const { absoluteEffect } = compared({
			control: { units: 1900, successes: 19 },
			treatment: { units: 100, successes: 1 },
		});
		const variance = 0.01 * 0.99 * (1 / 1900 + 1 / 100) * (2000 / 1999) + (1 / 1900 + 1 / 100) / 200;
		expect(absoluteEffect.standardError).toBeCloseTo(Math.sqrt(variance), 10);
	});

	it("mirrors when arms or outcomes swap, and excludes 0 exactly when the p-value says so", () => {
		fc.assert(
			fc.property(arm, arm, (control, treatment) => {
				const there = compared({ control, treatment });
				const back = compared({ control: treatment, treatment: control });
				expect(back.absoluteEffect.lower).toBeCloseTo(-there.absoluteEffect.upper, 9);
				const inverted = compared({
					control: { ...control, successes: control.units - control.successes },
					treatment: { ...treatment, successes: treatment.units - treatment.successes },
				});
				expect(inverted.absoluteEffect.lower).toBeCloseTo(-there.absoluteEffect.upper, 9);
				expect(inverted.pValue).toBeCloseTo(there.pValue, 9);
				const { lower, upper, value } = there.absoluteEffect;
				if (Math.abs(there.pValue - 0.05) > 1e-6) expect(there.pValue < 0.05).toBe(lower > 0 || upper < 0);
				expect(lower).toBeLessThanOrEqual(value);
				expect(upper).toBeGreaterThanOrEqual(value);
			}),
			{ numRuns: 60 },
		);
	});

	it("never widens with alpha", () => {
		const level = fc.double({ min: 1e-4, max: 0.5, noNaN: true });
		fc.assert(
			fc.property(arm, arm, level, level, (control, treatment, one, other) => {
				const strict = compared({ control, treatment }, { alpha: Math.min(one, other) }).absoluteEffect;
				const lenient = compared({ control, treatment }, { alpha: Math.max(one, other) }).absoluteEffect;
				expect(lenient.lower).toBeGreaterThanOrEqual(strict.lower - 1e-9);
				expect(lenient.upper).toBeLessThanOrEqual(strict.upper + 1e-9);
			}),
			{ numRuns: 40 },
		);
	});

	it.each([
		["too-few-units", { units: 49, successes: 1 }, { units: 500, successes: 1 }],
		["no-variation", { units: 500, successes: 0 }, { units: 500, successes: 0 }],
		["no-variation", { units: 500, successes: 500 }, { units: 500, successes: 500 }],
	])("is not estimable: %s", (reason, control, treatment) => {
		expect(compareProportionsSequentially({ ...design, control, treatment })).toMatchObject({ reason });
	});

	it("compares arms that only differ between each other", () => {
		const { absoluteEffect } = compared({
			control: { units: 100, successes: 0 },
			treatment: { units: 100, successes: 100 },
		});
		expect(absoluteEffect.value).toBe(1);
		expect(absoluteEffect.lower).toBeGreaterThan(0.5);
		expect(absoluteEffect.upper).toBe(1);
	});

	it.each([
		["INVALID_COUNT", { control: { units: 100, successes: 101 } }],
		["INVALID_COUNT", { treatment: { units: 100.5, successes: 1 } }],
		["INVALID_COUNT", { treatment: { units: 100, successes: Number.NaN } }],
		["INVALID_ALPHA", { alpha: 0 }],
		["INVALID_SHARE", { plannedShare: 1 }],
	])("refuses %s", (code, change) => {
		const arms = { control: { units: 100, successes: 1 }, treatment: { units: 100, successes: 1 } };
		expect(() => compared(arms, change)).toThrow(expect.objectContaining({ code }));
	});

	it("keeps its error rate in a 1 % arm with 1 % events, and finds there what the maximum of variances does not", () => {
		const looks = Array.from({ length: 25 }, (_, look) => Math.round(5000 * 10 ** (look / 24)));
		const rejections = (treatedRate: number, streams: number) => {
			let [score, maximum] = [0, 0];
			for (let stream = 0; stream < streams; stream++) {
				const random = seededRandom(52_000 + stream);
				const [control, treatment] = [
					{ units: 0, successes: 0 },
					{ units: 0, successes: 0 },
				];
				let [byScore, byMaximum] = [false, false];
				for (const until of looks) {
					const treated = Math.round(until / 100);
					treatment.successes += random.binomial(treated - treatment.units, treatedRate);
					treatment.units = treated;
					control.successes += random.binomial(until - treated - control.units, 0.01);
					control.units = until - treated;
					const plan = { alpha: 0.05, plannedUnits: 50_000, plannedShare: 0.01 };
					const result = compareProportionsSequentially({ ...plan, control, treatment });
					byScore ||= result.kind === "estimated" && result.pValue <= 0.05;
					const means = compareRatios({
						...plan,
						control: bernoulliSums(control.units, control.successes),
						treatment: bernoulliSums(treatment.units, treatment.successes),
					});
					byMaximum ||= means.kind === "estimated" && means.pValue <= 0.05;
				}
				if (byScore) score++;
				if (byMaximum) maximum++;
			}
			return { score: score / streams, maximum: maximum / streams };
		};
		// bench/safeguard-binary.ts: .018; without the half event .040, with 1 event in 1,000 .09.
		expect(rejections(0.01, 300).score).toBeLessThanOrEqual(0.045);
		const { score, maximum } = rejections(0.0225, 60);
		expect(score).toBeGreaterThan(0.35);
		expect(maximum).toBeLessThan(0.2);
	});
});
