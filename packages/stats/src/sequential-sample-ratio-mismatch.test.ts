import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sequentialSampleRatioMismatch } from "./sequential-sample-ratio-mismatch.ts";
import { StatsError } from "./stats-error.ts";
import { seededRandom } from "./test-support/seeded-random.ts";

const weights = { a: 0.4, b: 0.4, c: 0.2 };

describe("sequentialSampleRatioMismatch", () => {
	test("does not care about an arm that has neither weight nor units", () => {
		const two = sequentialSampleRatioMismatch({ a: 100, b: 130 }, { a: 1, b: 1 });
		expect(sequentialSampleRatioMismatch({ a: 100, b: 130, c: 0 }, { a: 1, b: 1, c: 0 })).toEqual(two);
	});

	test("oracle ssrm-dirichlet-multinomial (optimizely/ssrm test_sequential_posteriors)", () => {
		// Published cumulative log marginal likelihoods: their difference is the log e-value, since the
		// multinomial coefficients of the batches cancel.
		const logM1 = [-7.028201432058012, -11.947847738358888, -15.471401950257842, -19.96484521090386];
		const logM0 = [-4.0776406466061985, -8.265946861099877, -11.610743519545139, -15.781031228536165];
		const batches = [
			[20, 17, 9],
			[18, 21, 8],
			[4, 6, 4],
			[18, 19, 11],
		];
		const sums = [0, 0, 0];
		batches.forEach((batch, look) => {
			batch.forEach((units, arm) => {
				sums[arm] = (sums[arm] ?? 0) + units;
			});
			const [a = 0, b = 0, c = 0] = sums;
			const result = sequentialSampleRatioMismatch({ a, b, c }, weights, { prior: [1, 1, 1] });
			expect(result.kind === "estimated" && result.logEValue).toBeCloseTo((logM1[look] ?? 0) - (logM0[look] ?? 0), 9);
		});
	});

	test("no unit is no evidence", () => {
		expect(sequentialSampleRatioMismatch({ a: 0, b: 0, c: 0 }, weights)).toMatchObject({ pValue: 1 });
	});

	test("units in an arm of weight 0 are certain evidence", () => {
		expect(sequentialSampleRatioMismatch({ a: 5, b: 1 }, { a: 1, b: 0 })).toMatchObject({ pValue: 0 });
	});

	test("one weighted arm cannot be tested", () => {
		expect(sequentialSampleRatioMismatch({ a: 5 }, { a: 1 })).toMatchObject({
			kind: "not-estimable",
			reason: "single-arm",
		});
	});

	test("arms must be the same", () => {
		expect(() => sequentialSampleRatioMismatch({ a: 1 }, weights)).toThrow(StatsError);
		expect(() => sequentialSampleRatioMismatch({ a: 1.5, b: 1, c: 1 }, weights)).toThrow(/observed\.a: 1\.5/);
	});

	test("names and the scale of weights play no part", () => {
		const count = fc.integer({ min: 0, max: 1_000_000 });
		fc.assert(
			fc.property(count, count, fc.double({ min: 0.01, max: 100, noNaN: true }), (x, y, scale) => {
				const one = sequentialSampleRatioMismatch({ a: x, b: y }, { a: 1, b: 3 });
				const other = sequentialSampleRatioMismatch({ b: x, a: y }, { b: scale, a: 3 * scale });
				if (one.kind !== "estimated" || other.kind !== "estimated") throw new Error("estimable");
				expect(other.logEValue).toBeCloseTo(one.logEValue, 5);
			}),
		);
	});

	test("looked at after every unit, a right split is called wrong in at most α of the streams, a wrong one is found", () => {
		const streams = 400;
		const alarms = (share: number) => {
			let count = 0;
			for (let stream = 0; stream < streams; stream++) {
				const random = seededRandom(stream + 1);
				const observed = { a: 0, b: 0 };
				for (let unit = 0; unit < 2000; unit++) {
					observed[random.bernoulli(share) ? "a" : "b"]++;
					const result = sequentialSampleRatioMismatch(observed, { a: 1, b: 1 });
					if (result.kind === "estimated" && result.pValue <= 0.05) {
						count++;
						break;
					}
				}
			}
			return count / streams;
		};
		// Far below the bound in truth; peeking at a chi-square test like this would alarm in over a third.
		expect(alarms(0.5)).toBeLessThanOrEqual(0.05);
		expect(alarms(0.56)).toBeGreaterThan(0.8);
	});
});
