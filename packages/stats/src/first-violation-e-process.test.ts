import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FirstViolationDesign, firstViolationEProcess } from "./first-violation-e-process.ts";
import { seededRandom } from "./test-support/seeded-random.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

type ReferenceRow = Required<FirstViolationDesign> & { treatment: number; control: number; logEValue: number };

/** By fixtures/first-violation-e-process.py, with 60 digits. */
const reference: ReferenceRow[] = JSON.parse(
	readFileSync(new URL("../fixtures/first-violation-e-process.json", import.meta.url), "utf8"),
);

describe("firstViolationEProcess", () => {
	it.each(reference)(
		"matches 60 digits: $treatment of treatment, $control of control, share $treatmentShare",
		(row) => {
			const { logEValue, treatment, control, ...design } = row;
			const computed = firstViolationEProcess({ treatment, control }, design).logEValue;
			// 1e-9, and where 10⁹ counts meet 10⁹ in a logarithm 1e-6.
			expect(Math.abs(computed - logEValue)).toBeLessThan(treatment + control > 1e8 ? 1e-6 : 1e-9);
		},
	);

	it("is the one-sided beta-binomial mixture of cs-beta-binomial", () => {
		const { inputs, expected } = statOracle("cs-beta-binomial");
		const { g, h, s, v, v_opt, alpha } = inputs;
		// confseq states it in a centred sum s and an intrinsic time v = g·h·n, steps of h up and g down.
		const treatment = v / h + s;
		const control = v / g - s;
		const evidence = -2 * Math.log(2 * alpha);
		const rho = v_opt / (evidence + Math.log1p(evidence));
		const { logEValue } = firstViolationEProcess(
			{ treatment, control },
			{ treatmentShare: g, priorStrength: (rho - g * h) / (g * h) },
		);
		expect(logEValue).toBeCloseTo(expected.one_sided.log_mixture, 7);
	});

	it("starts at 1, and rises with treatment's violations and falls with control's", () => {
		const at = (treatment: number, control: number) =>
			firstViolationEProcess({ treatment, control }, { treatmentShare: 0.3 }).logEValue;
		expect(at(0, 0)).toBe(0);
		for (let count = 0; count < 50; count++) {
			expect(at(count + 1, 7)).toBeGreaterThan(at(count, 7));
			expect(at(7, count + 1)).toBeLessThan(at(7, count));
		}
	});

	/** Expectation of e after n violations when each is treatment's with the given probability. */
	function expectedEValue(n: number, probability: number, design: FirstViolationDesign): number {
		let total = 0;
		let logChoose = 0;
		for (let treatment = 0; treatment <= n; treatment++) {
			const control = n - treatment;
			const { logEValue } = firstViolationEProcess({ treatment, control }, design);
			total += Math.exp(logChoose + treatment * Math.log(probability) + control * Math.log1p(-probability) + logEValue);
			logChoose += Math.log(control) - Math.log(treatment + 1);
		}
		return total;
	}

	it.each([
		[0.5, 1, 10],
		[0.05, 1, 10],
		[0.9, 1, 100],
		[0.5, 1.5, 10],
		[0.01, 3, 1],
	])(
		"is a fair bet at the edge of what is tolerated: share %d, margin %d, k %d",
		(treatmentShare, rateRatioMargin, k) => {
			const edge = (treatmentShare * rateRatioMargin) / (treatmentShare * rateRatioMargin + 1 - treatmentShare);
			const design = { treatmentShare, rateRatioMargin, priorStrength: k };
			for (const n of [1, 2, 7, 60, 400]) {
				expect(expectedEValue(n, edge, design)).toBeCloseTo(1, 8);
				expect(expectedEValue(n, 0.8 * edge, design)).toBeLessThan(1);
			}
		},
	);

	it.each([
		[0.5, 1],
		[0.05, 2],
	])("alarms at most α of the time, checked at every violation (share %d)", (treatmentShare, seed) => {
		const streams = 1000;
		let alarms = 0;
		for (let stream = 0; stream < streams; stream++) {
			const random = seededRandom(10_000 * seed + stream);
			const violations = { treatment: 0, control: 0 };
			for (let violation = 0; violation < 300; violation++) {
				violations[random.bernoulli(treatmentShare) ? "treatment" : "control"]++;
				if (firstViolationEProcess(violations, { treatmentShare }).pValue <= 0.05) {
					alarms++;
					break;
				}
			}
		}
		expect(alarms / streams).toBeLessThanOrEqual(0.05);
		// Not idle either: a test at that level uses some of it.
		expect(alarms / streams).toBeGreaterThan(0.01);
	});

	it("finds a doubled 1 % rate after about 3,300 users, as the research simulated", () => {
		const stops = Array.from({ length: 200 }, (_, stream) => {
			const random = seededRandom(77_000 + stream);
			const violations = { treatment: 0, control: 0 };
			for (let user = 1; user <= 30_000; user++) {
				const treated = random.bernoulli(0.5);
				if (random.bernoulli(treated ? 0.02 : 0.01)) {
					violations[treated ? "treatment" : "control"]++;
					if (firstViolationEProcess(violations, { treatmentShare: 0.5 }).pValue <= 0.05) return user;
				}
			}
			return Number.POSITIVE_INFINITY;
		}).sort((a, b) => a - b);
		expect(stops[100]).toBeGreaterThan(2500);
		expect(stops[100]).toBeLessThan(4300);
	});

	it("gives a finite number for every design and count it accepts", () => {
		const count = fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 1_000_000_000 }));
		const share = fc.oneof(
			fc.double({ min: 0.01, max: 0.99, noNaN: true }),
			fc.constantFrom(1e-6, 1e-4, 0.9999, 1 - 1e-6),
		);
		const margin = fc.double({ min: 1, max: 1000, noNaN: true });
		const strength = fc.constantFrom(0.01, 1, 10, 100, 1e6);
		fc.assert(
			fc.property(count, count, share, margin, strength, (treatment, control, treatmentShare, rateRatioMargin, k) => {
				const design = { treatmentShare, rateRatioMargin, priorStrength: k };
				const { logEValue, pValue } = firstViolationEProcess({ treatment, control }, design);
				expect(Number.isFinite(logEValue)).toBe(true);
				expect(pValue).toBeGreaterThanOrEqual(0);
				expect(pValue).toBeLessThanOrEqual(1);
			}),
		);
	});

	it("takes more evidence for a larger margin", () => {
		const at = (rateRatioMargin: number) =>
			firstViolationEProcess({ treatment: 60, control: 20 }, { treatmentShare: 0.5, rateRatioMargin }).logEValue;
		expect(at(1)).toBeGreaterThan(at(1.5));
		expect(at(1.5)).toBeGreaterThan(at(3));
	});

	it.each([
		["INVALID_COUNT", { treatment: -1, control: 0 }, {}],
		["INVALID_COUNT", { treatment: 0, control: 1.5 }, {}],
		["INVALID_COUNT", { treatment: Number.NaN, control: 0 }, {}],
		["INVALID_SHARE", { treatment: 1, control: 1 }, { treatmentShare: 0 }],
		["INVALID_SHARE", { treatment: 1, control: 1 }, { treatmentShare: 1 }],
		["INVALID_MARGIN", { treatment: 1, control: 1 }, { rateRatioMargin: 0.5 }],
		["INVALID_PRIOR", { treatment: 1, control: 1 }, { priorStrength: 0 }],
	])("refuses arguments outside its domain: %s", (code, violations, change) => {
		expect(() => firstViolationEProcess(violations, { treatmentShare: 0.5, ...change })).toThrow(
			expect.objectContaining({ code }),
		);
	});
});
