import gammainc from "@stdlib/math-base-special-gammainc";
import { allocatedArms } from "./allocated-arms.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { requireArgument } from "./stats-error.ts";

/** Customary threshold of the alarm. */
export const DEFAULT_MISMATCH_THRESHOLD = 0.001;

export interface SampleRatioMismatchOptions {
	/** Exposed units per arm: integers ≥ 0, the same keys as `allocation`. */
	readonly observed: Readonly<Record<string, number>>;
	/** Configured weight per arm: finite, ≥ 0, at least one > 0; need not sum to 1. */
	readonly allocation: Readonly<Record<string, number>>;
	/** p-value below which there is a mismatch. @default 0.001 */
	readonly threshold?: number;
}

export interface SampleRatioMismatch {
	readonly kind: "estimated";
	/** 0 when an arm of weight 0 has units. */
	readonly pValue: number;
	readonly mismatch: boolean;
	/** Arms of weight 0 that have units all the same: an alarm whatever the other counts say. */
	readonly unplannedArms: readonly string[];
}

/**
 * Chi-square test that exposed units follow the configured allocation (sample ratio mismatch), over the arms with a
 * weight. For display: its p-value holds for one look; `sequentialSampleRatioMismatch` holds for all.
 *
 * @returns not-estimable without units, or with only one arm of positive weight
 * @throws {StatsError} ARMS_DIFFER, INVALID_COUNT, INVALID_ALLOCATION, INVALID_ALPHA (threshold)
 * @see Fabijan et al. 2019, KDD, for what causes a mismatch
 */
export function sampleRatioMismatch(options: SampleRatioMismatchOptions): SampleRatioMismatch | NotEstimable {
	const { observed, allocation, threshold = DEFAULT_MISMATCH_THRESHOLD } = options;
	requireArgument(threshold > 0 && threshold < 1, "INVALID_ALPHA", "threshold", threshold, "a number in (0, 1)");
	const arms = allocatedArms(observed, allocation);

	const unplannedArms = arms.filter((arm) => arm.weight === 0 && arm.units > 0).map((arm) => arm.key);
	if (unplannedArms.length > 0) return { kind: "estimated", pValue: 0, mismatch: true, unplannedArms };

	const planned = arms.filter((arm) => arm.weight > 0);
	if (planned.length < 2) return notEstimable("single-arm", "Only one arm has a weight, so there is no split to test.");
	const units = planned.reduce((total, arm) => total + arm.units, 0);
	if (units === 0) return notEstimable("no-observations", "No unit is exposed yet.");
	const heaviest = Math.max(...planned.map((arm) => arm.weight));
	// Relative to the heaviest, so that no sum of weights overflows.
	const weights = planned.reduce((total, arm) => total + arm.weight / heaviest, 0);
	const statistic = planned.reduce((total, arm) => {
		const expected = (units * (arm.weight / heaviest)) / weights;
		return total + ((arm.units - expected) / expected) * (arm.units - expected);
	}, 0);
	const pValue = chiSquareUpperTail(statistic, planned.length - 1);
	return { kind: "estimated", pValue, mismatch: pValue < threshold, unplannedArms };
}

function chiSquareUpperTail(statistic: number, degreesOfFreedom: number): number {
	return gammainc(statistic / 2, degreesOfFreedom / 2, true, true);
}
