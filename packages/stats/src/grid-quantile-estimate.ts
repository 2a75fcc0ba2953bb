import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { QUANTILE_SPACING, type QuantileEstimate, quantileRanks } from "./quantile-estimate.ts";
import { type RatioEstimate, ratioEstimate } from "./ratio-estimate.ts";
import type { RatioSums } from "./ratio-sums.ts";
import { requireArgument } from "./stats-error.ts";

/** One arm on a grid of values that is fixed before the first look. Every part of it adds up. */
export interface GridQuantileEvidence {
	/** Ascending, > 0; the same for every part. Neighbours 2 % apart blur a quantile by less than 1 %. */
	readonly grid: readonly number[];
	/** For each grid value the sums over units of Iᵢ, the observations at or below it, and Nᵢ, all of them. */
	readonly below: readonly RatioSums[];
}

/**
 * Quantile from counts on a grid, by interpolation of F̂ on the log scale: what `quantileEstimate` says of order
 * statistics, without a sort, from sums that add up over shards and days.
 *
 * @param level ν in (0, 1)
 * @returns not-estimable `outside-grid` when the quantile or its neighbourhood is not on the grid, `no-variation` where
 *   no observation lies between, and as `quantileEstimate`
 * @throws {StatsError} INVALID_GRID, INVALID_LEVEL, MIXED_QUANTITIES
 * @see Woodruff 1952, J. Am. Statist. Ass. 47, for inverting F̂
 */
export function gridQuantileEstimate(evidence: GridQuantileEvidence, level: number): QuantileEstimate | NotEstimable {
	const { grid, below } = evidence;
	requireGrid(grid, below);
	const shares: RatioEstimate[] = [];
	for (const sums of below) {
		const share = ratioEstimate(sums);
		if (share.kind === "not-estimable") return share;
		const previous = shares.at(-1) ?? share;
		const sameArm = share.units === previous.units && share.observations === previous.observations;
		if (!sameArm || share.value < previous.value || share.value > 1 || !Number.isSafeInteger(share.observations)) {
			return notEstimable("impossible-sums", "The counts on the grid are not of the same observations.");
		}
		shares.push(share);
	}
	const { units, observations } = shares[0]!;
	const ranks = quantileRanks(observations, level);
	if ("kind" in ranks) return ranks;

	const independent = (level * (1 - level)) / observations;
	const distance = QUANTILE_SPACING * Math.sqrt(independent);
	const [lower, at, upper] = [level - distance, level, level + distance].map((share) => crossing(shares, share));
	if (lower === undefined || at === undefined || upper === undefined) {
		return notEstimable("outside-grid", `The ${level} quantile or its neighbourhood is not on the grid.`);
	}
	const logAt = ({ cell, part }: Crossing) =>
		Math.log(grid[cell - 1]!) + part * Math.log(grid[cell]! / grid[cell - 1]!);
	const spread = logAt(upper) - logAt(lower);
	if (spread <= 0) {
		return notEstimable("no-variation", "The values around the quantile are all the same, so its error is unknown.");
	}
	const designEffect = designEffectAt(shares, at);
	if (designEffect === null) {
		return notEstimable("outside-grid", "No grid value has observations on both sides.");
	}
	const value = Math.exp(logAt(at));
	const logVariance = (spread / (2 * QUANTILE_SPACING)) ** 2 * Math.max(1, designEffect);
	const variance = value * value * logVariance;
	if (!Number.isFinite(variance)) return notEstimable("non-finite", "The variance is too large for a number.");
	return { kind: "estimated", value, logVariance, variance, units, observations, designEffect };
}

/** Where F̂ reaches a share: between grid values `cell` − 1 and `cell`, `part` of the way. */
interface Crossing {
	readonly cell: number;
	readonly part: number;
}

function crossing(shares: readonly RatioEstimate[], share: number): Crossing | undefined {
	const cell = shares.findIndex(({ value }) => value >= share);
	// Up to the first grid value nothing is known.
	if (cell < 1) return undefined;
	const [from, to] = [shares[cell - 1]!.value, shares[cell]!.value];
	return { cell, part: (share - from) / (to - from) };
}

/** Each grid value against independent observations at its own share, since a coarse one lies far from the quantile. */
function designEffectAt(shares: readonly RatioEstimate[], { cell, part }: Crossing): number | null {
	const [before, after] = [shares[cell - 1]!, shares[cell]!].map(({ value, variance, observations }) =>
		value > 0 && value < 1 ? variance / ((value * (1 - value)) / observations) : null,
	) as [number | null, number | null];
	if (before === null || after === null) return before ?? after;
	return before * (1 - part) + after * part;
}

function requireGrid(grid: readonly number[], below: readonly RatioSums[]): void {
	requireArgument(grid.length >= 2, "INVALID_GRID", "grid", grid.length, "at least two values");
	requireArgument(
		below.length === grid.length,
		"INVALID_GRID",
		"below",
		below.length,
		`sums for each of the ${grid.length} grid values`,
	);
	grid.forEach((value, position) => {
		requireArgument(
			value > (grid[position - 1] ?? 0) && value < Number.POSITIVE_INFINITY,
			"INVALID_GRID",
			`grid[${position}]`,
			value,
			"a finite number above 0 and the one before",
		);
	});
}
