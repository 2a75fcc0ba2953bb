import {
	type GroupSequentialResult,
	type GroupSequentialTestOptions,
	groupSequentialTest,
} from "./group-sequential-test.ts";
import type { NotEstimable } from "./not-estimable.ts";
import { pooledLevel } from "./pooled-level.ts";
import type { RatioSums } from "./ratio-sums.ts";
import { type SafeguardedContrastOptions, safeguardedContrast } from "./safeguarded-contrast.ts";

export interface GroupSequentialComparisonOptions<Sums extends RatioSums<number> | RatioSums<bigint>>
	extends Omit<GroupSequentialTestOptions, "effect" | "units" | "level">,
		SafeguardedContrastOptions {
	readonly control: Sums;
	readonly treatment: Sums;
}

/**
 * One look of a group-sequential test of R_T − R_C, from the sums of two arms: the z-score and the information both by
 * the safeguarded variance, so that a small arm that has not met its rare values yet is neither significant nor taken
 * to be precise. Values of units may grow while the test goes on. For z-scores of one's own see `groupSequentialTest`.
 *
 * @returns not-estimable as `safeguardedContrast` and `groupSequentialTest`
 * @throws {StatsError} what those throw
 * @see docs/statistics/group-sequential-comparison.md for its level in unequal arms
 */
export function groupSequentialComparison<Sums extends RatioSums<number> | RatioSums<bigint>>(
	options: GroupSequentialComparisonOptions<Sums>,
): GroupSequentialResult | NotEstimable {
	const { control, treatment } = options;
	const contrast = safeguardedContrast(control, treatment, options);
	if (contrast.kind === "not-estimable") return contrast;
	const { difference: value, variance, controlUnits, treatmentUnits } = contrast;
	const units = { control: controlUnits, treatment: treatmentUnits };
	// Totals of units may grow; a mean per call only gets more certain.
	const perUnit = control.sumN === control.units && treatment.sumN === treatment.units;
	const level = perUnit ? pooledLevel(control, treatment) : undefined;
	return groupSequentialTest({ ...options, units, level, effect: { value, variance } });
}
