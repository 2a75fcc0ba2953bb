import betaln from "@stdlib/math-base-special-betaln";

/** Rounding at which a continued fraction has converged. */
const CONVERGED = 1e-15;
/** Stands for a zero denominator in Lentz's algorithm. */
const TINY = 1e-300;

/**
 * ln ∫ₚ¹ (θ/p)^(a−1) · ((1−θ)/(1−p))^(b−1) dθ: the upper tail of an unnormalised Beta(a, b) above p, relative to its
 * density at p. In this form the large logarithms cancel before they are computed wherever the tail is the
 * small one, and no tail is 1 − cdf.
 *
 * @param a first shape, > 0; absolute error below 1e-5 up to shapes of 10⁹, where it takes milliseconds
 * @param b second shape, > 0
 * @param p in (0, 1)
 * @see DLMF 8.17.22 (continued fraction); Press et al., Numerical Recipes, §6.4 (which tail converges)
 */
export function logBetaTail(a: number, b: number, p: number): number {
	const q = 1 - p;
	if (q < (b + 1) / (a + b + 2)) return Math.log(p * q * lowerTailFraction(b, a, q));
	const logWhole = betaln(a, b) - (a - 1) * Math.log(p) - (b - 1) * Math.log1p(-p);
	const logBelow = Math.log(p * q * lowerTailFraction(a, b, p));
	return logWhole + Math.log1p(-Math.exp(logBelow - logWhole));
}

/** ∫₀ˣ θ^(a−1)(1−θ)^(b−1) dθ / (xᵃ(1−x)ᵇ), for x < (a+1)/(a+b+2), in about √max(a, b) steps (modified Lentz). */
function lowerTailFraction(a: number, b: number, x: number): number {
	let c = 1;
	let d = 1 / away(1 - ((a + b) * x) / (a + 1));
	let fraction = d;
	for (let m = 1, step = 0; Math.abs(step - 1) > CONVERGED; m++) {
		const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
		d = 1 / away(1 + even * d);
		c = away(1 + even / c);
		fraction *= d * c;
		const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
		d = 1 / away(1 + odd * d);
		c = away(1 + odd / c);
		step = d * c;
		fraction *= step;
	}
	return fraction / a;
}

function away(denominator: number): number {
	return Math.abs(denominator) < TINY ? TINY : denominator;
}
