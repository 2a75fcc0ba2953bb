import gammaln from "@stdlib/math-base-special-gammaln";
import { requireArgument } from "./stats-error.ts";
import { STIRLING_FROM, stirlingRemainder } from "./stirling.ts";

/** Fixed before the first observation. */
export interface GammaExponentialDesign {
	/** ρ > 0: `tuneMixture(2·alpha, variance)` for the intrinsic variance at which it should be sharpest. */
	readonly rho: number;
	/** Width c > 0 of the range that the observations have: 1 for values from 0 to 1. */
	readonly scale: number;
}

/**
 * ρ with which a mixture over `variance` units of intrinsic variance is nearly sharpest at level alpha:
 * V/(2 ln(1/α) + ln(1 + 2 ln(1/α))). One-sided mixtures are tuned at 2α.
 *
 * @throws {StatsError} INVALID_ALPHA, INVALID_TUNING
 * @see Howard, Ramdas, McAuliffe, Sekhon 2021, arXiv:1810.08240, §3.5
 */
export function tuneMixture(alpha: number, variance: number): number {
	requireArgument(alpha > 0 && alpha < 1, "INVALID_ALPHA", "alpha", alpha, "a number in (0, 1)");
	requireArgument(
		variance > 0 && Number.isFinite(variance),
		"INVALID_TUNING",
		"variance",
		variance,
		"a finite number > 0",
	);
	const evidence = -2 * Math.log(alpha);
	return variance / (evidence + Math.log1p(evidence));
}

/**
 * Natural logarithm of the gamma-exponential mixture: evidence that a sum of centred, bounded observations is too
 * large. Exact at every n, where the normal mixture is only so in the limit.
 *
 * @param sum S, the centred sum: finite
 * @param variance intrinsic variance V ≥ 0: Σ of predictable variances, or Σ(x − x̂)² with x̂ predicted from the past
 * @returns ≥ −ln α with probability ≤ α, ever, if the mean is not above its hypothesis
 * @throws {StatsError} INVALID_STATISTIC, INVALID_TUNING
 * @see Howard, Ramdas, McAuliffe, Sekhon 2021, arXiv:1810.08240, proposition 9
 */
export function gammaExponentialLogEValue(sum: number, variance: number, design: GammaExponentialDesign): number {
	const { rho, scale } = design;
	requireArgument(Number.isFinite(sum), "INVALID_STATISTIC", "sum", sum, "a finite number");
	requireArgument(
		variance >= 0 && Number.isFinite(variance),
		"INVALID_STATISTIC",
		"variance",
		variance,
		"a finite number ≥ 0",
	);
	requireArgument(rho > 0 && Number.isFinite(rho), "INVALID_TUNING", "rho", rho, "a finite number > 0");
	requireArgument(scale > 0 && Number.isFinite(scale), "INVALID_TUNING", "scale", scale, "a finite number > 0");
	const square = scale * scale;
	const prior = rho / square;
	const shape = (variance + rho) / square;
	const moved = (scale * sum + variance) / square;
	return logLowerGamma(shape, moved + prior) - logLowerGamma(prior, prior);
}

/** x + ln ∫₀¹ t^(a−1)·e^(−xt) dt = x + ln(γ(a, x)/xᵃ), which neither underflows nor subtracts large numbers. */
function logLowerGamma(a: number, x: number): number {
	// The integral is at least its value at x = 0, and evidence may be understated.
	if (x <= 0) return x - Math.log(a);
	if (x > a + 1) {
		const whole = logWholeGamma(a, x);
		// Not `@stdlib/math-base-special-gammainc`, which is wrong in the third digit at a = 11,500, x = 11,900.
		return whole + Math.log1p(-Math.exp(Math.log(upperGammaFraction(a, x)) - whole));
	}
	let term = 1 / a;
	let sum = term;
	for (let n = 1; term > sum * Number.EPSILON; n++) {
		term *= x / (a + n);
		sum += term;
	}
	return Math.log(sum);
}

/** x + ln(Γ(a)/xᵃ) */
function logWholeGamma(a: number, x: number): number {
	if (a < STIRLING_FROM) return gammaln(a) - a * Math.log(x) + x;
	const excess = (x - a) / a;
	return a * (excess - Math.log1p(excess)) + Math.log((2 * Math.PI) / a) / 2 + stirlingRemainder(a);
}

/** Γ(a, x)·eˣ/xᵃ for x > a + 1, by its continued fraction in about √a steps (modified Lentz). */
function upperGammaFraction(a: number, x: number): number {
	let b = x + 1 - a;
	let c = Number.MAX_VALUE;
	let d = 1 / b;
	let fraction = d;
	for (let n = 1, step = 0; Math.abs(step - 1) > 2 * Number.EPSILON; n++) {
		const numerator = -n * (n - a);
		b += 2;
		d = 1 / (numerator * d + b);
		c = b + numerator / c;
		step = d * c;
		fraction *= step;
	}
	return fraction;
}
