import { describe, expect, it } from "vitest";
import { estimated } from "./test-support/estimated.ts";
import { exact, ratioSumsOf } from "./test-support/ratio-sums-of.ts";
import { mergeWinsorizedSums, type WinsorizedSums, winsorizedMean } from "./winsorized-mean.ts";

const CAP = 100;

function sumsOf(units: readonly (readonly number[])[]): WinsorizedSums<number> {
	return {
		cap: CAP,
		capped: ratioSumsOf(
			units.map((values) => [values.reduce((sum, value) => sum + Math.min(value, CAP), 0), values.length]),
		),
		uncappedSum: units.flat().reduce((sum, value) => sum + value, 0),
		cappedObservations: units.flat().filter((value) => value > CAP).length,
	};
}

function exactly(sums: WinsorizedSums<number>): WinsorizedSums<bigint> {
	return {
		cap: BigInt(sums.cap),
		capped: exact(sums.capped),
		uncappedSum: BigInt(sums.uncappedSum),
		cappedObservations: BigInt(sums.cappedObservations),
	};
}

describe("winsorizedMean", () => {
	const units = [[10, 20], [30, 9000], [50], [40, 60, 80]];

	it("is the ratio of the capped sums, with what the cap hides", () => {
		const mean = estimated(winsorizedMean(sumsOf(units)));
		expect(mean).toMatchObject({ value: 390 / 8, units: 4, observations: 8, cap: 100, cappedShare: 1 / 8 });
		expect(mean).toMatchObject({ uncappedTotal: 9290, uncappedValue: 9290 / 8 });
		expect(estimated(winsorizedMean(exactly(sumsOf(units))))).toEqual(mean);
	});

	it("divides everything that has the unit by the scale", () => {
		const plain = estimated(winsorizedMean(sumsOf(units)));
		const scaled = estimated(winsorizedMean(sumsOf(units), { scale: 10 }));
		for (const key of ["value", "cap", "uncappedTotal", "uncappedValue"] as const) {
			expect(scaled[key]).toBeCloseTo(plain[key] / 10, 12);
		}
		expect(scaled.cappedShare).toBe(plain.cappedShare);
		expect(scaled.variance).toBeCloseTo(plain.variance / 100, 12);
	});

	it("adds up over parts, of one cap only", () => {
		const parts = [sumsOf(units.slice(0, 1)), sumsOf(units.slice(1))] as const;
		expect(mergeWinsorizedSums(...parts)).toEqual(sumsOf(units));
		expect(mergeWinsorizedSums(exactly(parts[1]), exactly(parts[0]))).toEqual(exactly(sumsOf(units)));
		expect(() => mergeWinsorizedSums(parts[0], { ...parts[1], cap: 99 })).toThrow("invalid cap: 99; expected 100");
	});

	it("allows every observation at its cap, and none above", () => {
		const every = {
			cap: 10,
			capped: ratioSumsOf([
				[20, 2],
				[10, 1],
			]),
			uncappedSum: 30,
			cappedObservations: 3,
		};
		const varied = { ...every, capped: { ...every.capped, sumYY: 501 } };
		expect(estimated(winsorizedMean(varied))).toMatchObject({ cappedShare: 1, uncappedTotal: 30 });
		expect(winsorizedMean({ ...varied, capped: { ...varied.capped, sumY: 30.001 }, uncappedSum: 31 })).toMatchObject({
			reason: "impossible-sums",
		});
		expect(winsorizedMean({ ...varied, uncappedSum: 29.999 })).toMatchObject({ reason: "impossible-sums" });
		// Summed in another order, it may be smaller by what rounding takes.
		expect(winsorizedMean({ ...varied, uncappedSum: 30 - 3e-13 }).kind).toBe("estimated");
		const few = winsorizedMean({ ...varied, capped: { ...varied.capped, units: 1 } });
		expect(few).toEqual({ kind: "not-estimable", reason: "too-few-units", message: expect.any(String) });
	});

	it("varies less than the mean that is not capped", () => {
		const wild = sumsOf(units);
		const uncapped = ratioSumsOf(units.map((values) => [values.reduce((sum, value) => sum + value, 0), values.length]));
		const { variance } = estimated(winsorizedMean({ ...wild, cap: 1e6, capped: uncapped, cappedObservations: 0 }));
		expect(estimated(winsorizedMean(wild)).variance).toBeLessThan(variance / 100);
	});

	it.each([
		["impossible-sums", { uncappedSum: 389 }],
		["impossible-sums", { cap: 40 }],
		["impossible-sums", { cappedObservations: 9 }],
		["impossible-sums", { cappedObservations: -1 }],
		["non-finite", { uncappedSum: Number.NaN }],
		["too-few-units", { capped: ratioSumsOf([[10, 2]]) }],
	])("is not estimable: %s %j", (reason, change) => {
		expect(winsorizedMean({ ...sumsOf(units), ...change })).toMatchObject({ kind: "not-estimable", reason });
	});

	it("refuses a cap that makes no sense, and a mixture", () => {
		for (const cap of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
			expect(() => winsorizedMean({ ...sumsOf(units), cap })).toThrow(expect.objectContaining({ code: "INVALID_CAP" }));
		}
		const mixed = { ...sumsOf(units), uncappedSum: 9290n } as unknown as WinsorizedSums<number>;
		expect(() => winsorizedMean(mixed)).toThrow(expect.objectContaining({ code: "MIXED_QUANTITIES" }));
	});
});
