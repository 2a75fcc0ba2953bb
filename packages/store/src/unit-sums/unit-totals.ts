import type { MeasuredMetrics } from "../metrics/metric-totals-sql.ts";
import type { TotalsRow } from "../metrics/totals-row.ts";
import { CELL_STARTS } from "../metrics/value-grid.ts";
import { type UnitTerms, unitTerms } from "./unit-terms.ts";

/** Units of one state, arm and day of first exposure. */
export interface UnitStratum {
	readonly state: string;
	readonly arm: string;
	readonly day: string;
}

/** Sums over units of one stratum: by what is summed, and there by a type of error, a cell of a quantile, or "". */
export interface UnitTotals extends UnitStratum {
	/** Microseconds of the newest call and event; no sums, so they are not subtracted. */
	newestCallUs: bigint | null;
	newestEventUs: bigint | null;
	readonly sums: Map<string, Map<string, readonly bigint[]>>;
}

/** A row of the statement of `unitTotalsSql`. */
export interface UnitTotalsRow extends UnitStratum {
	/** Identity of the measure whose cells the row has; "" for the row with all sums. */
	readonly cells_of: string;
	/** Stands for the stratum and `apart`, which a row of cells does not name. */
	readonly stratum: string;
	readonly apart: string;
	readonly newest_call_us: string | null;
	readonly newest_event_us: string | null;
	readonly keys: string[];
	readonly sums: string[][];
}

const micros = (text: string | null) => (text === null ? null : BigInt(text));
const keyOf = ({ state, arm, day }: UnitStratum) => JSON.stringify([state, arm, day]);

/** Totals by stratum. */
export class TotalsByStratum {
	readonly #strata = new Map<string, UnitTotals>();

	strata(): UnitTotals[] {
		return [...this.#strata.values()];
	}

	/** Sums of a stratum, of no unit at first. */
	of({ state, arm, day }: UnitStratum): UnitTotals {
		const key = keyOf({ state, arm, day });
		const found = this.#strata.get(key) ?? {
			...{ state, arm, day, newestCallUs: null, newestEventUs: null },
			sums: new Map(),
		};
		this.#strata.set(key, found);
		return found;
	}

	/** Adds sums to those of a stratum, or takes them away; what is then nothing leaves no trace. */
	add(
		stratum: UnitStratum,
		summed: string,
		sums: Iterable<readonly [key: string, sums: readonly bigint[]]>,
		sign: 1n | -1n,
	): void {
		const ofStratum = this.of(stratum).sums;
		const byKey = ofStratum.get(summed) ?? new Map<string, readonly bigint[]>();
		ofStratum.set(summed, byKey);
		for (const [key, values] of sums) {
			const known = byKey.get(key);
			const next = values.map((value, index) => (known?.[index] ?? 0n) + sign * value);
			if (next.some((value) => value !== 0n)) byKey.set(key, next);
			else byKey.delete(key);
		}
	}

	/** The later of what is known and what is found. */
	newer(stratum: UnitStratum, callUs: bigint | null, eventUs: bigint | null): void {
		const totals = this.of(stratum);
		totals.newestCallUs = later(totals.newestCallUs, callUs);
		totals.newestEventUs = later(totals.newestEventUs, eventUs);
	}

	newest(of: "newestCallUs" | "newestEventUs"): bigint | null {
		return this.strata()
			.filter(({ state }) => state === "counted")
			.reduce<bigint | null>((newest, totals) => later(newest, totals[of]), null);
	}
}

export function later(a: bigint | null, b: bigint | null): bigint | null {
	return a === null || (b !== null && b > a) ? b : a;
}

/** What a row of a statement of `unitTotalsSql` adds to its stratum: by what is summed, equal sums of two metrics once. */
export function sumsOfRow(
	terms: UnitTerms,
	{ cells_of: cellsOf, keys, sums: texts }: UnitTotalsRow,
): Map<string, [key: string, sums: bigint[]][]> {
	const sums = texts.map((each) => each.map(BigInt));
	const at = (array: number, index: number): bigint => {
		const sum = sums[array]?.[index];
		if (sum === undefined) throw new TypeError(`no sum ${index} in array ${array} of a row of totals`);
		return sum;
	};
	if (cellsOf !== "") {
		return new Map([[cellsOf, keys.map((key, index) => [key, [0, 1, 2].map((array) => at(array, index))])]]);
	}
	// in the order in which the statement writes them
	const [units, errors, ratios, singles, hits] = [0, 1, 2, 8, 9] as const;
	const found = new Map<string, [key: string, sums: bigint[]][]>([
		[terms.units, [["", [0, 1, 2, 3].map((index) => at(units, index))]]],
		[terms.errors, keys.map((key, index) => [key, [at(errors, index)]])],
	]);
	for (const plan of terms.plans) {
		const ofRatio = [0, 1, 2, 3, 4, 5].map((array) => at(ratios + array, plan.ratio));
		found.set(plan.identity, [["", [...ofRatio, ...plan.singles.map((index) => at(singles, index))]]]);
		const of = plan.hits;
		if (of !== null) {
			found.set(of.identity, [["", [0, 1, 2, 3, 4, 5, 6, 7, 8].map((array) => at(hits + array, of.index))]]);
		}
	}
	return found;
}

/**
 * The same rows, those of cells with the stratum that they belong to.
 * @throws {TypeError} for cells of units that the rows of sums do not have
 */
export function withStrata(rows: readonly UnitTotalsRow[]): UnitTotalsRow[] {
	const strata = new Map(rows.filter(({ state }) => state === "counted").map((row) => [row.stratum, row]));
	return rows.map((row) => {
		if (row.cells_of === "") return row;
		const of = strata.get(row.stratum);
		if (of === undefined) throw new TypeError("cells of units that were not summed");
		const { apart, state, arm, day } = of;
		return { ...row, apart, state, arm, day };
	});
}

/** Totals from all rows of a statement over units that are there once. */
export function totalsOfRows(measured: MeasuredMetrics, rows: readonly UnitTotalsRow[]): TotalsByStratum {
	const terms = unitTerms(measured);
	const totals = new TotalsByStratum();
	for (const row of rows) {
		totals.newer(row, micros(row.newest_call_us), micros(row.newest_event_us));
		for (const [summed, sums] of sumsOfRow(terms, row)) totals.add(row, summed, sums, 1n);
	}
	return totals;
}

/** The rows that a statement over all units would give, or `null` where the parts do not add up. */
export function totalsRows(measured: MeasuredMetrics, totals: TotalsByStratum): TotalsRow[] | null {
	const terms = unitTerms(measured);
	const hasEvents = measured.measures.of("events").length > 0;
	const rows: TotalsRow[] = [];
	for (const { state, arm, day, newestCallUs, newestEventUs, sums } of totals.strata()) {
		const one = (summed: string) => sums.get(summed)?.get("") ?? [];
		const [units = 0n, calls = 0n, undelivered = 0n, quarantined = 0n] = one(terms.units);
		if (units < 0n || (units === 0n && [...sums.values()].some(({ size }) => size > 0))) return null;
		if (units === 0n) continue;
		const errors = [...(sums.get(terms.errors) ?? [])].sort(([a], [b]) =>
			Buffer.compare(Buffer.from(a), Buffer.from(b)),
		);
		const row: TotalsRow = {
			...{ state: state as TotalsRow["state"], arm, day },
			newest_call_us: newestCallUs?.toString() ?? null,
			newest_event_us: hasEvents ? (newestEventUs?.toString() ?? null) : null,
			...{ units: String(units), calls: String(calls) },
			...{ undelivered_calls: String(undelivered), quarantined_calls: String(quarantined) },
			error_types: [errors.map(([type]) => type), errors.map(([, [count]]) => String(count))],
		};
		for (const [index, { identity, hits, cells: cellsOf }] of terms.plans.entries()) {
			const texts = (summed: string, length: number) =>
				Array.from({ length }, (_, at) => String(one(summed)[at] ?? 0n));
			const length = 6 + (terms.plans[index]?.singles.length ?? 0);
			row[`metric_${index}`] = [...texts(identity, length), ...(hits === null ? [] : texts(hits.identity, 9))];
			if (cellsOf === null) continue;
			const cells = [...(sums.get(cellsOf) ?? [])].sort(([a], [b]) => Number(a) - Number(b));
			const starts = cells.map(([number]) => String(CELL_STARTS[Number(number)]));
			const column = (at: number) => cells.map(([, of]) => String(of[at] ?? 0n));
			row[`cells_${index}`] = [starts, column(0), column(1), column(2)];
			const counted = cells.reduce((sum, [, [count = 0n]]) => sum + count, 0n);
			if (state === "counted" && counted !== (one(identity)[2] ?? 0n)) return null;
		}
		rows.push(row);
	}
	const order = ({ state, arm, day }: TotalsRow) => Buffer.from(`${state}\0${arm}\0${day}`);
	return rows.sort((a, b) => Buffer.compare(order(a), order(b)));
}
