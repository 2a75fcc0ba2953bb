import { DEFAULT_MINIMUM_UNITS } from "./always-valid-comparison.ts";
import type { Contrast } from "./contrast.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { exactDifference } from "./ratio-contrast.ts";
import type { RatioSums } from "./ratio-sums.ts";
import { requireMinimumUnits, safeguardedArms } from "./safeguarded-arms.ts";

export interface SafeguardedContrastOptions {
	/** Units that the smaller arm must have, an integer ≥ 2. @default 50 */
	readonly minimumUnits?: number;
	/** Divides the numerators: 1000 states sums of µs in ms. @default 1 */
	readonly scale?: number;
}

/**
 * Difference of two ratios of sums with the variance of the always-valid comparison, max(V_T + V_C, V_pool): for tests
 * that are repeated or whose arms are unequal. In equal arms it is next to nothing wider than `ratioContrast`.
 *
 * @returns not-estimable below `minimumUnits` in the smaller arm, when an arm cannot be estimated, and when no unit
 *   differs from another
 * @throws {StatsError} INVALID_MINIMUM_UNITS, INVALID_SCALE, MIXED_QUANTITIES
 * @see docs/statistics/safeguarded-contrast.md
 */
export function safeguardedContrast<Sums extends RatioSums<number> | RatioSums<bigint>>(
	control: Sums,
	treatment: Sums,
	options: SafeguardedContrastOptions = {},
): Contrast | NotEstimable {
	const { minimumUnits = DEFAULT_MINIMUM_UNITS, scale = 1 } = options;
	requireMinimumUnits(minimumUnits);
	const arms = safeguardedArms({ control, treatment, minimumUnits, scale });
	if (arms.kind === "not-estimable") return arms;
	const difference = exactDifference(control, treatment, scale) ?? arms.treatment.value - arms.control.value;
	const variance = arms.control.variance + arms.treatment.variance;
	if (!Number.isFinite(difference) || !Number.isFinite(variance)) {
		return notEstimable("non-finite", "The difference or its variance is too large for a number.");
	}
	return {
		kind: "estimated",
		difference,
		variance,
		degreesOfFreedom: arms.degreesOfFreedom,
		baseline: { value: arms.control.value, variance: arms.control.variance },
		covarianceWithBaseline: -arms.control.variance,
		controlUnits: Number(control.units),
		treatmentUnits: Number(treatment.units),
	};
}
