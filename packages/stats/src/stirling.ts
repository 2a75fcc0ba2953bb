/** Arguments from which the series is exact to the last digits. */
export const STIRLING_FROM = 20;

/** ln Γ(x) − [(x − ½)·ln x − x + ½·ln 2π] for x ≥ 20: what Stirling's formula leaves out. */
export function stirlingRemainder(x: number): number {
	const square = x * x;
	return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / x;
}
