import { requireAlpha, requireArgument } from "./stats-error.ts";

/**
 * Asymptotic confidence sequences (Robbins' normal mixture with estimated variance).
 *
 * An interval `estimate ± multiplier · standardError` that holds at every look together, with error rate alpha as the
 * number of units grows. All functions take `rhoSquared`, the mixture's precision, which must be fixed before
 * the first look: it decides where the interval is narrowest.
 *
 * Domains: `units` > 0 (units behind the standard error, both arms), `rhoSquared` > 0, `alpha` in (0, 1),
 * `z` = estimate / standard error, finite. Everything else is a `StatsError`.
 *
 * @see Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas 2023, arXiv:2103.06476, eq. 9 and 134
 */

/**
 * Precision ρ² with which the two-sided interval is nearly narrowest at `tunedUnits`: (−2 ln α + ln(1 − 2 ln α)) / N*.
 * For a one-sided bound tune at 2α.
 *
 * @param tunedUnits N* > 0; half of the planned units is a good choice
 */
export function tuneRhoSquared(alpha: number, tunedUnits: number): number {
	requireAlpha(alpha);
	requirePositive("tunedUnits", tunedUnits);
	const evidence = -2 * Math.log(alpha);
	return (evidence + Math.log1p(evidence)) / tunedUnits;
}

/** Half-width of the two-sided interval in standard errors: √((x+1)/x · ln((x+1)/α²)), x = units·ρ² (eq. 9). */
export function twoSidedRadiusMultiplier(units: number, rhoSquared: number, alpha: number): number {
	requireAlpha(alpha);
	const x = mixtureSize(units, rhoSquared);
	return Math.sqrt(((x + 1) / x) * (Math.log1p(x) - 2 * Math.log(alpha)));
}

/** Distance of a one-sided bound in standard errors: √(2(x+1)/x · ln(1 + √(x+1)/(2α))), x = units·ρ² (eq. 134). */
export function oneSidedRadiusMultiplier(units: number, rhoSquared: number, alpha: number): number {
	requireAlpha(alpha);
	const x = mixtureSize(units, rhoSquared);
	return Math.sqrt(2 * ((x + 1) / x) * Math.log1p(Math.sqrt(x + 1) / (2 * alpha)));
}

/** Natural logarithm of the e-value against "the effect is 0"; ≥ −ln α exactly when the two-sided interval excludes 0. */
export function twoSidedLogEValue(z: number, units: number, rhoSquared: number): number {
	requireFinite(z);
	const x = mixtureSize(units, rhoSquared);
	return mixtureExponent(z, x) - Math.log1p(x) / 2;
}

/**
 * Natural logarithm of the e-value against "the effect is ≤ 0", −Infinity for z ≤ 0; ≥ −ln α exactly when the
 * one-sided lower bound of eq. 134 is above 0. It lies below the exact one-sided mixture.
 */
export function oneSidedLogEValue(z: number, units: number, rhoSquared: number): number {
	requireFinite(z);
	const x = mixtureSize(units, rhoSquared);
	if (z <= 0) return Number.NEGATIVE_INFINITY;
	// ln(2(e^w − 1)/√(x+1)) without overflow for large w and without cancellation for small w.
	const w = mixtureExponent(z, x);
	return Math.LN2 + w + Math.log(-Math.expm1(-w)) - Math.log1p(x) / 2;
}

/** Always-valid p-value of an e-value: min(1, 1/e). */
export function pValueOfLogEValue(logEValue: number): number {
	return Math.min(1, Math.exp(-logEValue));
}

function mixtureExponent(z: number, x: number): number {
	return ((z * z) / 2) * (x / (x + 1));
}

function mixtureSize(units: number, rhoSquared: number): number {
	requirePositive("units", units);
	requirePositive("rhoSquared", rhoSquared);
	return units * rhoSquared;
}

function requirePositive(field: "units" | "tunedUnits" | "rhoSquared", value: number): void {
	requireArgument(
		value > 0 && value < Number.POSITIVE_INFINITY,
		field === "units" ? "INVALID_UNITS" : "INVALID_TUNING",
		field,
		value,
		"a finite number > 0",
	);
}

function requireFinite(z: number): void {
	requireArgument(Number.isFinite(z), "INVALID_STATISTIC", "z", z, "a finite number");
}
