import { DEFAULT_MINIMUM_UNITS } from "./always-valid-comparison.ts";
import { type CovariateSums, mergeCovariateSums } from "./covariate-sums.ts";
import { adjustedArm, type CupedContrast, type CupedOptions, cupedContrast } from "./cuped-contrast.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { requireMinimumUnits } from "./safeguarded-arms.ts";
import type { SafeguardedContrastOptions } from "./safeguarded-contrast.ts";

export interface SafeguardedCupedOptions extends SafeguardedContrastOptions, CupedOptions {}

/**
 * `cupedContrast` with the safeguard of the always-valid comparison, for the multiplier of a confidence sequence or
 * group-sequential bounds: its variance is the larger of the arms' own and that of both arms' adjusted residuals thrown
 * together, s²·(1/K_T + 1/K_C).
 *
 * @returns not-estimable below `minimumUnits` in the smaller arm, and as `cupedContrast`
 * @throws {StatsError} INVALID_MINIMUM_UNITS and what `cupedContrast` throws
 * @see docs/statistics/cuped-contrast.md for its level under watch
 */
export function safeguardedCupedContrast<Sums extends CovariateSums<number> | CovariateSums<bigint>>(
	control: Sums,
	treatment: Sums,
	options: SafeguardedCupedOptions = {},
): CupedContrast | NotEstimable {
	const { minimumUnits = DEFAULT_MINIMUM_UNITS } = options;
	requireMinimumUnits(minimumUnits);
	const fewest = Math.min(Number(control.units), Number(treatment.units));
	if (fewest >= 0 && fewest < minimumUnits) {
		return notEstimable("too-few-units", `The smaller arm has ${fewest} of the ${minimumUnits} units it needs.`);
	}
	const own = cupedContrast(control, treatment, options);
	if (own.kind === "not-estimable") return own;
	const pooled = adjustedArm(mergeCovariateSums(control, treatment), "both arms", options);
	if (pooled.kind === "not-estimable") return pooled;

	const { theta, controlUnits, treatmentUnits } = own;
	const { estimate, shared, preVariance } = pooled;
	const perDifference = estimate.units * (1 / controlUnits + 1 / treatmentUnits);
	const variance = (estimate.variance - 2 * theta * shared + theta * theta * preVariance) * perDifference;
	if (!(variance > own.variance)) return own;
	const ofControl = estimate.units / controlUnits;
	return {
		...own,
		variance,
		degreesOfFreedom: estimate.units - 2,
		baseline: { value: own.baseline.value, variance: estimate.variance * ofControl },
		covarianceWithBaseline: (theta * shared - estimate.variance) * ofControl,
		varianceReduction: 1 - variance / (estimate.variance * perDifference),
	};
}
