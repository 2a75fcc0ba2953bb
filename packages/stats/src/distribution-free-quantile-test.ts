import { pValueOfLogEValue, tuneRhoSquared, twoSidedLogEValue } from "./asymptotic-confidence-sequence.ts";
import { betaBinomialLogEValue } from "./beta-binomial-mixture.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { ratioEstimate } from "./ratio-estimate.ts";
import type { RatioSums } from "./ratio-sums.ts";
import { requireAlpha, requireArgument } from "./stats-error.ts";

/**
 * One arm on a grid of values that is fixed before the first look: for each grid value, ascending, the sums over units of
 * Iᵢ (observations at or below it, sumY) and Nᵢ (all observations).
 */
export type BelowGrid = readonly RatioSums[];

export interface DistributionFreeQuantileTestOptions {
	readonly control: BelowGrid;
	readonly treatment: BelowGrid;
	/** ν in (0, 1): 0.95 for p95. */
	readonly level: number;
	/** Error rate that the mixture is tuned for, in (0, 1). */
	readonly alpha: number;
	/** Units expected in each arm by the end; fixed before the first look. > 0 */
	readonly plannedUnitsPerArm: number;
}

export interface DistributionFreeQuantileTest {
	readonly kind: "estimated";
	/** Natural logarithm of the evidence that the arms have different quantiles. */
	readonly logEValue: number;
	/** Always-valid p-value: min(1, 1/e). */
	readonly pValue: number;
	/** `exact`: every unit has one observation. `clustered`: holds for many units. */
	readonly basis: "exact" | "clustered";
}

/**
 * Do two arms have different quantiles? Without a density or a variance of the quantile: for any common value x of the
 * quantile, how strongly does each arm contradict F(x) = ν? The weakest joint contradiction over x counts.
 *
 * ln e = min over x of G_T(x) + G_C(x), G the log e-value against F(x) = ν: a beta-binomial mixture where every unit
 * has one observation, a normal mixture on the clustered standard error otherwise. Between two grid values the
 * smaller of both ends is taken, and the least that G can be where F̂ crosses ν; so a coarse grid costs power, never
 * validity. Very conservative: prefer `compareQuantilesSequentially` where it applies.
 *
 * @returns not-estimable for sums that are, and `too-few-units` for a clustered arm below 50 units
 * @throws {StatsError} INVALID_LEVEL, INVALID_ALPHA, INVALID_PLANNED_UNITS, INVALID_GRID
 * @see Howard, Ramdas 2022, arXiv:1906.09712, §5; confseq's `quantile_ab_p_value`
 */
export function distributionFreeQuantileTest(
	options: DistributionFreeQuantileTestOptions,
): DistributionFreeQuantileTest | NotEstimable {
	const { control, treatment, level, alpha, plannedUnitsPerArm } = options;
	requireAlpha(alpha);
	requireArgument(level > 0 && level < 1, "INVALID_LEVEL", "level", level, "a number in (0, 1)");
	requireArgument(
		plannedUnitsPerArm > 0 && Number.isFinite(plannedUnitsPerArm),
		"INVALID_PLANNED_UNITS",
		"plannedUnitsPerArm",
		plannedUnitsPerArm,
		"a finite number > 0",
	);
	requireArgument(
		control.length >= 1 && control.length === treatment.length,
		"INVALID_GRID",
		"treatment",
		treatment.length,
		`one set of sums for each of control's grid values (${control.length}), at least one`,
	);
	const exact = [...control, ...treatment].every(
		({ units, sumN, sumNN }) => Number(units) === Number(sumN) && Number(units) === Number(sumNN),
	);
	const against = (grid: BelowGrid) => contradictions(grid, level, alpha, 0.5 * plannedUnitsPerArm, exact);
	const c = against(control);
	if ("kind" in c) return c;
	const t = against(treatment);
	if ("kind" in t) return t;
	// Gaps between grid values, from below the first to above the last.
	const logEValue = Math.min(...c.map((evidence, gap) => evidence + t[gap]!));
	return { kind: "estimated", logEValue, pValue: pValueOfLogEValue(logEValue), basis: exact ? "exact" : "clustered" };
}

/** Least log e-value against F(x) = ν for x within each gap of the grid, outer gaps included. */
function contradictions(
	grid: BelowGrid,
	level: number,
	alpha: number,
	tunedUnits: number,
	exact: boolean,
): number[] | NotEstimable {
	const points: { share: number; evidence: number }[] = [];
	let units = 0;
	for (const [index, sums] of grid.entries()) {
		const estimate = ratioEstimate(sums);
		if (estimate.kind === "not-estimable") return estimate;
		const rises = estimate.value >= (points.at(-1)?.share ?? 0) && estimate.value <= 1;
		const same = index === 0 || estimate.units === units;
		if (!rises || !same) return notEstimable("impossible-sums", "Counts at or below rising values must rise, to 1.");
		units = estimate.units;
		if (!exact && units < 50) return notEstimable("too-few-units", `An arm has ${units} of the 50 units it needs.`);
		points.push({ share: estimate.value, evidence: evidenceAt(estimate, level, alpha, tunedUnits, exact) });
	}
	const least = exact
		? betaBinomialLogEValue(level * units, units, { mean: level, tunedTrials: tunedUnits, tunedAlpha: alpha })
		: twoSidedLogEValue(0, units, tuneRhoSquared(alpha, tunedUnits));
	// Below all values F̂ is 0, above them 1; what contradicts there is at least what does at the nearest grid value.
	const ends = [
		{ share: 0, evidence: Number.POSITIVE_INFINITY },
		...points,
		{ share: 1, evidence: Number.POSITIVE_INFINITY },
	];
	return ends.slice(1).map((right, gap) => {
		const left = ends[gap]!;
		const crosses = left.share <= level && right.share >= level;
		return crosses ? least : Math.min(left.evidence, right.evidence);
	});
}

function evidenceAt(
	{ value, variance, units }: { value: number; variance: number; units: number },
	level: number,
	alpha: number,
	tunedUnits: number,
	exact: boolean,
): number {
	if (exact) {
		const design = { mean: level, tunedTrials: tunedUnits, tunedAlpha: alpha };
		return betaBinomialLogEValue(value * units, units, design);
	}
	// No observation, or every one, at or below: as if one were on the other side, since no error is known.
	const known = variance > 0 ? variance : (level * (1 - level)) / units;
	return twoSidedLogEValue((value - level) / Math.sqrt(known), units, tuneRhoSquared(alpha, tunedUnits));
}
