import { DEFAULT_MINIMUM_UNITS } from "./always-valid-comparison.ts";
import {
	pValueOfLogEValue,
	tuneRhoSquared,
	twoSidedLogEValue,
	twoSidedRadiusMultiplier,
} from "./asymptotic-confidence-sequence.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import type { EffectEstimate } from "./relative-effect.ts";
import { effectiveHorizon, requireWatchedDesign } from "./safeguarded-arms.ts";
import { type Counts, lastBefore, likeliestShares } from "./score-interval.ts";
import { requireArgument } from "./stats-error.ts";

export interface SequentialProportionComparisonOptions {
	/** Units that did it, of all units: integers, each unit counted once. */
	readonly control: Counts;
	readonly treatment: Counts;
	/** Two-sided error rate over all looks together, in (0, 1). */
	readonly alpha: number;
	/** Units expected in both arms together by the end; fixed before the first look. > 0 */
	readonly plannedUnits: number;
	/** Planned share of the smaller of the two arms, in (0, 0.5]; fixed before the first look. */
	readonly plannedShare: number;
	/** Units that the smaller arm must have. @default 50 */
	readonly minimumUnits?: number;
}

export interface SequentialProportionComparison {
	readonly kind: "estimated";
	/** p_T − p_C; the standard error is that under "no difference". The interval need not be symmetric. */
	readonly absoluteEffect: EffectEstimate;
	/** Always-valid p-value that the shares are equal: ≤ alpha exactly when the interval excludes 0. */
	readonly pValue: number;
	readonly logEValue: number;
	readonly effectiveUnits: number;
}

/**
 * Compares the shares of units that did something (converted, failed at least once) with an interval that may be looked
 * at as often as one likes: a score interval with the confidence sequence's multiplier.
 *
 * Units of 0 or 1 cannot agree in their mean and differ in their variance, so no maximum with the arms' own variances is
 * needed, and a 1 % arm keeps the power that `compareRatios` loses there. Each difference δ is tried with the variance of
 * the shares likeliest under it, plus that of half an event in the smaller arm, (1/K_T + 1/K_C)/(2·min K): our own
 * allowance for events too few to be normal, backed by simulation.
 *
 * @returns not-estimable below `minimumUnits` in the smaller arm; `no-variation` when all or none did it
 * @throws {StatsError} INVALID_ALPHA, INVALID_PLANNED_UNITS, INVALID_SHARE, INVALID_MINIMUM_UNITS, INVALID_COUNT
 * @see Miettinen, Nurminen 1985, Statist. Med. 4, for the score interval; arXiv:2103.06476 for the multiplier
 */
export function compareProportionsSequentially(
	options: SequentialProportionComparisonOptions,
): SequentialProportionComparison | NotEstimable {
	const { control, treatment, alpha, plannedUnits, plannedShare, minimumUnits = DEFAULT_MINIMUM_UNITS } = options;
	requireWatchedDesign(alpha, plannedUnits, plannedShare, minimumUnits);
	requireCounts("control", control);
	requireCounts("treatment", treatment);
	const fewest = Math.min(control.units, treatment.units);
	if (fewest < minimumUnits) {
		return notEstimable("too-few-units", `The smaller arm has ${fewest} of the ${minimumUnits} units it needs.`);
	}
	const successes = control.successes + treatment.successes;
	const units = control.units + treatment.units;
	if (successes === 0 || successes === units) {
		return notEstimable("no-variation", "Every unit of both arms has the same value, so nothing can be compared.");
	}
	const value = treatment.successes / treatment.units - control.successes / control.units;
	const effectiveUnits = 4 * fewest * (Math.max(control.units, treatment.units) / units);
	const rhoSquared = tuneRhoSquared(alpha, effectiveHorizon(plannedUnits, plannedShare));
	const multiplier = twoSidedRadiusMultiplier(effectiveUnits, rhoSquared, alpha);
	const refuted = (delta: number) => (value - delta) ** 2 > multiplier ** 2 * varianceUnder(delta, control, treatment);
	const standardError = Math.sqrt(varianceUnder(0, control, treatment));
	const logEValue = twoSidedLogEValue(value / standardError, effectiveUnits, rhoSquared);
	return {
		kind: "estimated",
		absoluteEffect: {
			kind: "estimated",
			value,
			standardError,
			lower: lastBefore(value, -1, refuted),
			upper: lastBefore(value, 1, refuted),
		},
		pValue: pValueOfLogEValue(logEValue),
		logEValue,
		effectiveUnits,
	};
}

function varianceUnder(delta: number, control: Counts, treatment: Counts): number {
	const [c, t] = likeliestShares(control, treatment, delta);
	const units = control.units + treatment.units;
	const variance = ((c * (1 - c)) / control.units + (t * (1 - t)) / treatment.units) * (units / (units - 1));
	return variance + (1 / control.units + 1 / treatment.units) / (2 * Math.min(control.units, treatment.units));
}

function requireCounts(field: string, { units, successes }: Counts): void {
	requireArgument(
		Number.isSafeInteger(units) && units >= 0,
		"INVALID_COUNT",
		`${field}.units`,
		units,
		"an integer ≥ 0",
	);
	requireArgument(
		Number.isSafeInteger(successes) && successes >= 0 && successes <= units,
		"INVALID_COUNT",
		`${field}.successes`,
		successes,
		`an integer in [0, ${units}]`,
	);
}
