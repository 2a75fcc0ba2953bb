import { normalUpperQuantile, normalUpperTail } from "./normal-tail.ts";
import { requireAlpha, requireArgument } from "./stats-error.ts";

/** How an error rate is spent as information accrues; fixed before the first look. */
export type SpendingFunction =
	/** Almost nothing early: 2·P(Z > z_{α/2}/√t). The usual choice. */
	| { readonly kind: "obrien-fleming" }
	/** Nearly the same bound at every look: α·ln(1 + (e−1)·t). */
	| { readonly kind: "pocock" }
	/** α·(1−e^(−γt))/(1−e^(−γ)): γ = −4 is near O'Brien–Fleming, 0 even, 1 near Pocock. In [−40, 40]. */
	| { readonly kind: "hwang-shih-decani"; readonly gamma: number };

/**
 * Share of `errorRate` that may have been spent by `informationFraction`: 0 at 0, all of it from 1 on, never
 * decreasing between.
 *
 * @param errorRate of one bound (α of one side, or β), in (0, 1)
 * @param informationFraction ≥ 0: V_planned/V_now, not time elapsed
 * @throws {StatsError} INVALID_ALPHA, INVALID_INFORMATION, INVALID_SPENDING
 * @see Lan, DeMets 1983, Biometrika 70(3); Hwang, Shih, DeCani 1990, Statistics in Medicine 9(12)
 */
export function spentError(spending: SpendingFunction, errorRate: number, informationFraction: number): number {
	requireAlpha(errorRate);
	requireArgument(informationFraction >= 0, "INVALID_INFORMATION", "informationFraction", informationFraction, "≥ 0");
	requireSpending(spending);
	if (informationFraction >= 1) return errorRate;
	switch (spending.kind) {
		case "obrien-fleming":
			return 2 * normalUpperTail(normalUpperQuantile(errorRate / 2) / Math.sqrt(informationFraction));
		case "pocock":
			return errorRate * Math.log1p((Math.E - 1) * informationFraction);
		case "hwang-shih-decani":
			return spending.gamma === 0
				? errorRate * informationFraction
				: errorRate * (Math.expm1(-spending.gamma * informationFraction) / Math.expm1(-spending.gamma));
	}
}

/** @throws {StatsError} INVALID_SPENDING */
export function requireSpending(spending: SpendingFunction): void {
	const known =
		spending.kind === "obrien-fleming" ||
		spending.kind === "pocock" ||
		(spending.kind === "hwang-shih-decani" && Math.abs(spending.gamma) <= 40);
	requireArgument(
		known,
		"INVALID_SPENDING",
		"spending",
		JSON.stringify(spending),
		"obrien-fleming, pocock, or hwang-shih-decani with gamma in [-40, 40]",
	);
}
