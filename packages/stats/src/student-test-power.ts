import { normalUpperQuantile, normalUpperTail } from "./normal-tail.ts";
import { studentTailQuantile } from "./student-tail.ts";

/** From here on Student's t and the normal give the same power to ten digits. */
const NORMAL_FROM = 1e10;
/** Densities below e^−40 of their top add nothing to a double. */
const NEGLIGIBLE = 40;
/** Quadrature steps per width of the narrowest feature; the trapezoidal rule gains digits exponentially from there. */
const STEPS = 3;

/**
 * Probability that a t-test rejects.
 *
 * @param noncentrality expected difference over its standard error, in the direction of the one-sided test
 * @param degreesOfFreedom > 0; Infinity is the normal test
 * @param alpha in (0, 1)
 * @returns for two sides the wrong side is counted too, as the test would
 * @see Johnson, Kotz, Balakrishnan 1995, Continuous Univariate Distributions 2, ch. 31
 */
export function studentTestPower(noncentrality: number, degreesOfFreedom: number, alpha: number, sides: 1 | 2): number {
	const tail = sides === 2 ? alpha / 2 : alpha;
	const reach = (t: number, shift: number) => noncentralUpperTail(t, shift, degreesOfFreedom);
	if (tail > 0.5) return reach(-quantile(1 - tail, degreesOfFreedom), noncentrality);
	const bound = quantile(tail, degreesOfFreedom);
	return reach(bound, noncentrality) + (sides === 2 ? reach(bound, -noncentrality) : 0);
}

function quantile(tail: number, degreesOfFreedom: number): number {
	return degreesOfFreedom >= NORMAL_FROM ? normalUpperQuantile(tail) : studentTailQuantile(tail, degreesOfFreedom);
}

/** P((Z + δ)/s > t) with s² = χ²/ν: the normal tail averaged over the logarithm of s, by the trapezoidal rule. */
function noncentralUpperTail(t: number, shift: number, degreesOfFreedom: number): number {
	if (degreesOfFreedom >= NORMAL_FROM) return normalUpperTail(t - shift);
	const width = Math.min(1 / Math.sqrt(2 * degreesOfFreedom), 1 / Math.max(1, Math.abs(shift)));
	const reach = Math.sqrt(NEGLIGIBLE / degreesOfFreedom);
	const step = width / STEPS;
	let [total, above] = [0, 0];
	for (let logS = -(NEGLIGIBLE / degreesOfFreedom + reach); logS <= reach; logS += step) {
		const density = Math.exp(degreesOfFreedom * (logS - Math.expm1(2 * logS) / 2));
		total += density;
		above += density * normalUpperTail(t * Math.exp(logS) - shift);
	}
	return above / total;
}
