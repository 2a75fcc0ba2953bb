import { CELL_STARTS_SQL } from "../metrics/metric-totals-sql.ts";

/** Where the number of a cell begins in what is stored of it; its count lies below. */
const NUMBER_BITS = 48;

/** For a WITH clause: what cells are numbered by. */
export const CELL_NUMBERS_SQL = `${CELL_STARTS_SQL}, CAST(range(length(cell_starts)) AS Array(Int64)) AS cell_numbers`;

const numberOf = (cell: string) => `transform(${cell}, cell_starts, cell_numbers)`;

/** Cells of observations as their numbers. */
export const numbersOf = (cells: string) => `arrayMap(cell -> ${numberOf("cell")}, ${cells})`;

/** Cells with the number of their observations, as they are stored: one integer each, in the order of the cells. */
export const storedCells = (numbers: string, counts: string) =>
	`arrayMap((number, count) -> bitShiftLeft(toInt64(number), ${NUMBER_BITS}) + toInt64(count), ${numbers}, ${counts})`;

export const storedNumbers = (stored: string) => `arrayMap(cell -> bitShiftRight(cell, ${NUMBER_BITS}), ${stored})`;

export const storedCounts = (stored: string) =>
	`arrayMap(cell -> bitAnd(cell, ${2n ** BigInt(NUMBER_BITS) - 1n}), ${stored})`;

/** By how much the square of a unit's cumulated count rises in each cell. */
export const risesOfSquares = (counts: string) =>
	`arrayMap((cumulated, count) -> (2 * cumulated - count) * count, arrayCumSum(${counts}), ${counts})`;

/**
 * What units add to the sums by cell of a quantile, from rows that have a unit's `stored` cells: columns `numbers`,
 * `counts`, and of each cell by how much C² and C·N rise there.
 */
export const cellsOfUnits = (columns: string, rows: string) => `SELECT ${columns}, numbers, counts,
    ${risesOfSquares("counts")} AS squares,
    arrayMap(count -> count * of_unit, counts) AS products
FROM (SELECT *, ${storedNumbers("stored")} AS numbers, ${storedCounts("stored")} AS counts, arraySum(counts) AS of_unit FROM (${rows}))`;
