const STEP = 1.02;
const LARGEST = 1e12;

/**
 * The grid on which values are counted for quantiles, in stored integers (µs, nano-USD, tokens): 1, 2, 3, … and from 50
 * on steps of 2 %, up to 10¹². One for all metrics and for ever, so that the counts of any two looks are comparable.
 */
export const VALUE_GRID: readonly number[] = valueGrid();

/** Smallest integer of each cell; cell k holds the values above VALUE_GRID[k − 1] and up to VALUE_GRID[k]. */
export const CELL_STARTS: readonly number[] = [0, ...VALUE_GRID.map((value) => value + 1)];

function valueGrid(): number[] {
	const grid = [1];
	for (let last = 1; last < LARGEST; grid.push(last)) {
		last = Math.min(LARGEST, Math.max(last + 1, Math.round(last * STEP)));
	}
	return grid;
}
