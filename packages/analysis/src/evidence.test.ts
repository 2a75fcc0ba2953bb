import { ExperimentResults, MetricDefinition } from "@armspan/schema";
import { gridQuantileEstimate } from "@armspan/stats";
import { type MetricSums, VALUE_GRID } from "@armspan/store";
import fc from "fast-check";
import { expect, test } from "vitest";
import { evidenceByDay, gridEvidence, listedErrorTypes, overallEvidence, ratioSums } from "./evidence.ts";
import { momentsOf, totalsOf } from "./test-support.ts";

const p90 = MetricDefinition.parse({
	...{ key: "p90", source: "calls", kind: "quantile", value: "latency", level: 0.9, direction: "decrease" },
});

/** Sums of units with these latencies each, as the store counts them: what comes in at each grid value. */
function counted(units: readonly (readonly number[])[]): MetricSums {
	const cells = new Map<number, { count: bigint; squares: bigint; products: bigint }>();
	for (const values of units) {
		[...values]
			.sort((a, b) => a - b)
			.forEach((value, index) => {
				const upTo = VALUE_GRID.find((grid) => value <= grid)!;
				const cell = cells.get(upTo) ?? { count: 0n, squares: 0n, products: 0n };
				cells.set(upTo, {
					count: cell.count + 1n,
					squares: cell.squares + BigInt(2 * index + 1),
					products: cell.products + BigInt(values.length),
				});
			});
	}
	const moments = momentsOf(units.map((values) => values.length));
	const { sumY: sumN, sumYY: sumNN } = moments;
	const rows = [...cells].sort(([a], [b]) => a - b).map(([upTo, cell]) => ({ upTo, ...cell }));
	return { ...moments, ...{ sumN, sumNN, sumYN: sumNN }, scale: 1000, cells: rows };
}

const units = Array.from({ length: 300 }, (_, unit) =>
	Array.from({ length: 1 + (unit % 4) }, (_, call) => 200_000 + ((unit * 7919 + call * 104_729) % 400_000)),
);
const totals = (parts: readonly (readonly (readonly number[])[])[]) => ({
	...totalsOf({}),
	arms: parts.flatMap((part, day) =>
		totalsOf({ control: { units: part.length, p90: counted(part) } }).arms.map((arm) => ({
			...arm,
			day: `2026-11-0${day + 1}`,
			errorTypes: new Map([
				["timeout", 1],
				[`day-${day}`, 2],
			]),
		})),
	),
});

test("days add up to what the units of all days have together", () => {
	const days = totals([units.slice(0, 90), units.slice(90, 100), units.slice(100)]);
	const [split, whole] = [overallEvidence(days).get("control"), overallEvidence(totals([units])).get("control")];
	expect(split?.metrics).toEqual(whole?.metrics);
	expect(split?.units).toBe(300);
	expect(listedErrorTypes(split?.errorTypes ?? new Map())).toEqual([
		{ type: "timeout", calls: 3 },
		...["day-0", "day-1", "day-2"].map((type) => ({ type, calls: 2 })),
	]);
	expect([...evidenceByDay(days).keys()]).toEqual(["2026-11-01", "2026-11-02", "2026-11-03"]);
	// Units of no known time are in the whole, and in no day.
	const undated = { ...days, arms: days.arms.map((arm, index) => ({ ...arm, day: index === 0 ? "" : arm.day })) };
	expect(overallEvidence(undated).get("control")?.units).toBe(300);
	expect([...evidenceByDay(undated).keys()]).toEqual(["2026-11-02", "2026-11-03"]);
});

test("counts on the grid are those at or below each grid value, in the metric's unit", () => {
	const evidence = overallEvidence(totals([units.slice(0, 120), units.slice(120)]));
	const { grid, below } = gridEvidence(evidence, "control", p90);
	expect(grid.length).toBeGreaterThan(30);
	grid.forEach((milliseconds, index) => {
		const counts = units.map((values) => BigInt(values.filter((value) => value <= milliseconds * 1000).length));
		const sum = (of: readonly bigint[]) => of.reduce((total, value) => total + value, 0n);
		expect(below[index]).toMatchObject({
			units: 300n,
			sumY: sum(counts),
			sumYY: sum(counts.map((count) => count * count)),
			sumYN: sum(counts.map((count, unit) => count * BigInt(units[unit]!.length))),
			sumN: BigInt(units.flat().length),
		});
	});
	expect(below[0]?.sumY).toBe(0n);
	expect(below.at(-1)?.sumY).toBe(BigInt(units.flat().length));

	const sorted = units.flat().sort((a, b) => a - b);
	const exact = sorted[Math.ceil(sorted.length * 0.9) - 1]! / 1000;
	const found = gridQuantileEstimate({ grid, below }, 0.9);
	expect(found.kind === "estimated" && Math.abs(found.value / exact - 1)).toBeLessThan(0.01);
});

test("an arm without units has sums of nothing", () => {
	expect(ratioSums(new Map(), "control", p90).units).toBe(0n);
	const { grid, below } = gridEvidence(new Map(), "control", p90);
	expect(gridQuantileEstimate({ grid, below }, 0.9)).toMatchObject({ kind: "not-estimable" });
});

test("an error type may have any name: all failed calls are listed, whatever days they fell on", () => {
	const name = fc.oneof(
		fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "__defineGetter__", "", "0"),
		fc.string(),
	);
	fc.assert(
		fc.property(fc.array(fc.tuple(fc.nat(2), name), { maxLength: 60 }), (failures) => {
			const arms = [0, 1, 2].map((day) => {
				const errorTypes = new Map<string, number>();
				for (const [of, type] of failures) {
					if (of === day) errorTypes.set(type, (errorTypes.get(type) ?? 0) + 1);
				}
				return {
					...(totalsOf({ control: { units: 1 } }).arms[0] as ReturnType<typeof totalsOf>["arms"][number]),
					errorTypes,
				};
			});
			const listed = listedErrorTypes(overallEvidence({ arms }).get("control")?.errorTypes ?? new Map());
			// as a client reads it
			const read = ExperimentResults.shape.variants.element.shape.errorTypes.parse(JSON.parse(JSON.stringify(listed)));
			for (const { type, calls } of read) {
				expect(calls).toBe(failures.filter(([, failed]) => failed === type).length);
			}
			expect(new Set(read.map(({ type }) => type))).toEqual(new Set(failures.map(([, type]) => type)));
		}),
	);
});
