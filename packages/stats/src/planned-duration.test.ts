import { describe, expect, it } from "vitest";
import { plannedDuration } from "./planned-duration.ts";

describe("plannedDuration", () => {
	it("counts days until enough units are enrolled and mature, and rounds up to weeks", () => {
		const options = { units: 1000, newUnitsPerDay: [100], fullWeeks: false };
		expect(plannedDuration(options)).toEqual({ kind: "estimated", days: 10, enrollmentDays: 10 });
		expect(plannedDuration({ ...options, maturationDays: 3 })).toMatchObject({ days: 13, enrollmentDays: 10 });
		expect(plannedDuration({ ...options, fullWeeks: true })).toMatchObject({ days: 14, enrollmentDays: 10 });
		expect(plannedDuration({ units: 700, newUnitsPerDay: [100] })).toMatchObject({ days: 7 });
		expect(plannedDuration({ units: 701, newUnitsPerDay: [100] })).toMatchObject({ days: 14, enrollmentDays: 8 });
	});

	it("knows that the first days are the richest, and the gate", () => {
		// 500, 200, then 50 a day.
		const options = { units: 1000, newUnitsPerDay: [500, 200, 50], fullWeeks: false };
		expect(plannedDuration(options)).toMatchObject({ days: 8 });
		expect(plannedDuration({ ...options, enrolledShare: 0.5 })).toMatchObject({ days: 28 });
	});

	it("does not wait a day for a rounding error", () => {
		const options = { units: 1, newUnitsPerDay: [0.1], fullWeeks: false };
		expect(plannedDuration(options)).toMatchObject({ days: 10 });
	});

	it("is out of reach beyond ten years", () => {
		expect(plannedDuration({ units: 1000, newUnitsPerDay: [999, 0] })).toMatchObject({
			kind: "not-estimable",
			reason: "out-of-reach",
			message: "In ten years 999 of 1000 units would be enrolled.",
		});
		expect(plannedDuration({ units: 3652, newUnitsPerDay: [1], fullWeeks: false })).toMatchObject({ days: 3652 });
		expect(plannedDuration({ units: 3653, newUnitsPerDay: [1] })).toMatchObject({ reason: "out-of-reach" });
	});

	it.each([
		["INVALID_UNITS", { units: 0 }],
		["INVALID_TRAFFIC", { newUnitsPerDay: [] }],
		["INVALID_TRAFFIC", { newUnitsPerDay: [100, -1] }],
		["INVALID_TRAFFIC", { newUnitsPerDay: [Number.NaN] }],
		["INVALID_TRAFFIC", { maturationDays: 0.5 }],
		["INVALID_SHARE", { enrolledShare: 0 }],
		["INVALID_SHARE", { enrolledShare: 1.1 }],
	])("refuses what makes no sense: %s %j", (code, change) => {
		expect(() => plannedDuration({ units: 100, newUnitsPerDay: [10], ...change })).toThrow(
			expect.objectContaining({ code }),
		);
	});
});
