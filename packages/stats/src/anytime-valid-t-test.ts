import { pValueOfLogEValue } from "./asymptotic-confidence-sequence.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { requireAlpha, requireArgument } from "./stats-error.ts";

export interface AnytimeValidTTestOptions {
	/** Coefficient and standard error of an ordinary least-squares fit, as any software prints them. */
	readonly value: number;
	/** > 0 */
	readonly standardError: number;
	/** Observations in the fit: units, not calls. */
	readonly observations: number;
	/** Coefficients in the fit, intercept included; fewer than observations. */
	readonly coefficients: number;
	/** Error rate over all looks together, in (0, 1). */
	readonly alpha: number;
	/** g > 0 of the mixture; fixed before the first look: `tuneAnytimeValidT`. */
	readonly precision: number;
}

export interface AnytimeValidTTest {
	readonly kind: "estimated";
	readonly value: number;
	readonly lower: number;
	readonly upper: number;
	readonly logEValue: number;
	readonly pValue: number;
}

/**
 * Interval and p-value of a regression coefficient that hold at every look together: exact for normal errors, else for
 * large samples.
 *
 * log e = ½ ln r + ½(ν+1)·[ln(1 + t²/ν) − ln(1 + r·t²/ν)], r = g/(g+n), ν = n − coefficients
 *
 * @returns not-estimable `too-few-units` without degrees of freedom, `no-variation` for a standard error of 0,
 *   `unbounded` while so few observations cannot bound the coefficient
 * @throws {StatsError} INVALID_ALPHA, INVALID_COUNT, INVALID_TUNING
 * @see Lindon, Ham, Tingley, Bojinov 2022, arXiv:2210.08589
 */
export function anytimeValidTTest(options: AnytimeValidTTestOptions): AnytimeValidTTest | NotEstimable {
	const { value, standardError, observations, coefficients, alpha, precision } = options;
	requireAlpha(alpha);
	requireFit(observations, coefficients);
	requirePrecision(precision);
	if (observations <= coefficients) {
		return notEstimable("too-few-units", `${coefficients} coefficients need more than ${observations} observations.`);
	}
	if (standardError === 0) return notEstimable("no-variation", "The coefficient has no standard error.");
	if (!Number.isFinite(value) || !(standardError > 0) || !Number.isFinite(value / standardError)) {
		return notEstimable("non-finite", "The coefficient or its standard error is not a finite number.");
	}
	const freedom = observations - coefficients;
	const r = precision / (precision + observations);
	const square = (value / standardError) ** 2 / freedom;
	const logEValue = (Math.log(r) + (freedom + 1) * logRatio(square, r)) / 2;
	const radius = tRadius(observations, coefficients, alpha, precision) * standardError;
	if (!Number.isFinite(radius)) {
		return notEstimable("unbounded", "So few observations do not bound the coefficient at this alpha.");
	}
	const pValue = pValueOfLogEValue(logEValue);
	return { kind: "estimated", value, lower: value - radius, upper: value + radius, logEValue, pValue };
}

/**
 * The precision g with which the interval is narrowest at `observations`.
 *
 * @throws {StatsError} INVALID_ALPHA, INVALID_COUNT
 */
export function tuneAnytimeValidT(observations: number, coefficients: number, alpha: number): number {
	requireAlpha(alpha);
	requireFit(observations, coefficients);
	requireArgument(observations > coefficients, "INVALID_COUNT", "observations", observations, `> ${coefficients}`);
	const radius = (logPrecision: number) => tRadius(observations, coefficients, alpha, Math.exp(logPrecision));
	// Golden section: the radius has one valley, beyond the g at which it is infinite.
	const golden = (Math.sqrt(5) - 1) / 2;
	let [low, high] = [Math.log(observations) - 40, Math.log(observations) + 10];
	for (let step = 0; step < 120; step++) {
		const [left, right] = [high - golden * (high - low), low + golden * (high - low)];
		const [atLeft, atRight] = [radius(left), radius(right)];
		// Two infinite radii: too large a g always is, too small a one never.
		if (atLeft <= atRight) high = right;
		else low = left;
	}
	return Math.exp((low + high) / 2);
}

/** The t at which log e = −ln α; Infinity where e never gets there. */
function tRadius(observations: number, coefficients: number, alpha: number, precision: number): number {
	const freedom = observations - coefficients;
	const r = precision / (precision + observations);
	const exponent = -(2 * Math.log(alpha) + Math.log(r)) / (freedom + 1);
	const room = -Math.expm1(exponent + Math.log(r));
	return room > 0 ? Math.sqrt((freedom * Math.expm1(exponent)) / room) : Number.POSITIVE_INFINITY;
}

/** ln((1 + x)/(1 + r·x)) */
function logRatio(x: number, r: number): number {
	return Math.log1p(x) - Math.log1p(r * x);
}

function requireFit(observations: number, coefficients: number): void {
	requireArgument(
		Number.isSafeInteger(observations) && observations >= 1,
		"INVALID_COUNT",
		"observations",
		observations,
		"an integer ≥ 1",
	);
	requireArgument(
		Number.isSafeInteger(coefficients) && coefficients >= 1,
		"INVALID_COUNT",
		"coefficients",
		coefficients,
		"an integer ≥ 1",
	);
}

function requirePrecision(precision: number): void {
	requireArgument(
		precision > 0 && Number.isFinite(precision),
		"INVALID_TUNING",
		"precision",
		precision,
		"a finite number > 0",
	);
}
