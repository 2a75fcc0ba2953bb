import tCdf from "@stdlib/stats-base-dists-t-cdf";
import tQuantile from "@stdlib/stats-base-dists-t-quantile";
import { normalUpperQuantile, normalUpperTail } from "./normal-tail.ts";

/** From here on the expansion around the normal quantile is exact to the last digits, and the inverted t is not. */
const EXPANSION_FROM = 1e6;

/**
 * P(T > t) of Student's t, to full relative precision however small it is.
 *
 * @param degreesOfFreedom > 0, whole or not; Infinity is the normal
 */
export function studentTail(t: number, degreesOfFreedom: number): number {
	return degreesOfFreedom === Number.POSITIVE_INFINITY ? normalUpperTail(t) : tCdf(-t, degreesOfFreedom);
}

/** Two-sided p-value P(|T| > |t|). */
export function twoSidedStudentTail(t: number, degreesOfFreedom: number): number {
	return 2 * studentTail(Math.abs(t), degreesOfFreedom);
}

/**
 * The t with P(T > t) = `tail`: 1.984 for 0.025 and 100 degrees of freedom.
 *
 * @param tail in (0, 0.5]
 * @see Abramowitz, Stegun 26.7.5 for the expansion
 */
export function studentTailQuantile(tail: number, degreesOfFreedom: number): number {
	if (degreesOfFreedom < EXPANSION_FROM) return -tQuantile(tail, degreesOfFreedom);
	const z = normalUpperQuantile(tail);
	const first = (z ** 3 + z) / 4;
	const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
	return z + first / degreesOfFreedom + second / degreesOfFreedom ** 2;
}
