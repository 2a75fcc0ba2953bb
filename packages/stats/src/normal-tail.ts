import erfc from "@stdlib/math-base-special-erfc";
import erfcinv from "@stdlib/math-base-special-erfcinv";

/** P(Z > z) of a standard normal Z, to full relative precision however small it is. */
export function normalUpperTail(z: number): number {
	return erfc(z / Math.SQRT2) / 2;
}

/** Two-sided p-value P(|Z| > |z|). */
export function twoSidedNormalTail(z: number): number {
	return erfc(Math.abs(z) / Math.SQRT2);
}

/**
 * The z with P(Z > z) = `tail`: 1.96 for 0.025.
 *
 * Not `@stdlib/stats-base-dists-normal-quantile`: it inverts erf of 2p − 1, is wrong in the seventh digit at p = 1e-12
 * and infinite at 1e-17 (see the test).
 *
 * @param tail in (0, 1)
 */
export function normalUpperQuantile(tail: number): number {
	return Math.SQRT2 * erfcinv(2 * tail);
}

/** Density of a standard normal at z. */
export function normalDensity(z: number): number {
	return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
}
