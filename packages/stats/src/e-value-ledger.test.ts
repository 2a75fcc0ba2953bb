import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { combineEValues } from "./e-value-ledger.ts";
import { firstViolationEProcess } from "./first-violation-e-process.ts";
import { seededRandom } from "./test-support/seeded-random.ts";

describe("combineEValues", () => {
	it("multiplies", () => {
		const ledger = [20, 0.5, 3].map((e, iteration) => ({ iteration, logEValue: Math.log(e) }));
		expect(combineEValues(ledger)).toEqual({
			kind: "estimated",
			logEValue: expect.closeTo(Math.log(30), 12),
			pValue: expect.closeTo(1 / 30, 12),
		});
		expect(combineEValues([{ iteration: 1, logEValue: -2 }])).toMatchObject({ pValue: 1 });
		expect(combineEValues([{ iteration: 1, logEValue: Number.POSITIVE_INFINITY }])).toMatchObject({ pValue: 0 });
	});

	it("does not depend on the order", () => {
		fc.assert(
			fc.property(fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1 }), (logs) => {
				const ledger = logs.map((logEValue, iteration) => ({ iteration, logEValue }));
				const [there, back] = [combineEValues(ledger), combineEValues(ledger.toReversed())];
				if (there.kind === "not-estimable" || back.kind === "not-estimable") throw new Error("not estimable");
				expect(there.logEValue).toBeCloseTo(back.logEValue, 9);
			}),
		);
	});

	it("errs at most at alpha when a halted iteration is tried again", () => {
		const streams = 3000;
		let rejected = 0;
		for (let seed = 0; seed < streams; seed++) {
			const random = seededRandom(50 + seed);
			// Each iteration ends when it looks good or bad enough; the next one is begun at once.
			const ledger = Array.from({ length: 4 }, (_, iteration) => {
				const violations = { treatment: 0, control: 0 };
				let logEValue = 0;
				for (let n = 0; n < 40 && Math.abs(logEValue) < 1; n++) {
					violations[random.bernoulli(0.5) ? "treatment" : "control"]++;
					logEValue = firstViolationEProcess(violations, { treatmentShare: 0.5 }).logEValue;
				}
				return { iteration, logEValue };
			});
			const combined = combineEValues(ledger);
			if (combined.kind === "estimated" && combined.pValue <= 0.05) rejected++;
		}
		expect(rejected / streams).toBeLessThanOrEqual(0.05);
		expect(rejected).toBeGreaterThan(0);
	});

	it.each([
		["no-observations", []],
		[
			"non-finite",
			[
				{ iteration: 1, logEValue: Number.POSITIVE_INFINITY },
				{ iteration: 2, logEValue: Number.NEGATIVE_INFINITY },
			],
		],
	])("is not estimable: %s", (reason, ledger) => {
		expect(combineEValues(ledger)).toMatchObject({ kind: "not-estimable", reason });
	});

	it.each([
		["NaN", [{ iteration: 1, logEValue: Number.NaN }]],
		["half an iteration", [{ iteration: 0.5, logEValue: 1 }]],
		[
			"an iteration twice",
			[
				{ iteration: 1, logEValue: 1 },
				{ iteration: 1, logEValue: 2 },
			],
		],
	])("refuses %s", (_, ledger) => {
		expect(() => combineEValues(ledger)).toThrow(expect.objectContaining({ code: "INVALID_LEDGER" }));
	});
});
