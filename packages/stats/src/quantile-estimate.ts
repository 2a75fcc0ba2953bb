import { normalUpperQuantile } from "./normal-tail.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { ratioEstimate } from "./ratio-estimate.ts";
import type { RatioSums } from "./ratio-sums.ts";
import { requireArgument } from "./stats-error.ts";

/** Spacing of the neighbouring order statistics, in standard errors; fixed, so that no alpha changes the variance. */
export const QUANTILE_SPACING = normalUpperQuantile(0.025);
/** Observations beyond the quantile below which its order statistics are not normal yet. */
const MINIMUM_BEYOND = 30;

/** Positions (from 1) among the sorted observations of one arm. */
export interface QuantileRanks {
	readonly lower: number;
	/** The quantile itself. */
	readonly at: number;
	readonly upper: number;
}

/** What one arm tells of a quantile; the caller asks for `ranks` first and counts `below` with the answer. */
export interface QuantileEvidence {
	/** Values at `quantileRanks(observations, level)`: 0 < lower ≤ at ≤ upper. */
	readonly orderStatistics: QuantileRanks;
	/**
	 * Sums over units of Iᵢ, the observations ≤ `orderStatistics.at`, and Nᵢ, all of them. They add up over any parts that
	 * counted against the same value.
	 */
	readonly below: RatioSums;
}

/** A quantile with its sampling variance on the logarithmic scale. */
export interface QuantileEstimate {
	readonly kind: "estimated";
	readonly value: number;
	/** Variance of ln(value). */
	readonly logVariance: number;
	/** Variance of `value` by the delta method: value²·logVariance. */
	readonly variance: number;
	readonly units: number;
	readonly observations: number;
	/** Variance of F̂ clustered by unit over that of independent observations; used where above 1. */
	readonly designEffect: number;
}

/**
 * Which order statistics of `observations` sorted values estimate a quantile and its variance: ⌈nν⌉, and
 * n(ν ± 1.96·√(ν(1−ν)/n)) rounded outwards.
 *
 * @param observations n > 0
 * @param level ν in (0, 1): 0.95 for p95
 * @returns not-estimable `too-few-observations` when fewer than 30 lie on the shorter side
 * @throws {StatsError} INVALID_LEVEL, INVALID_COUNT
 */
export function quantileRanks(observations: number, level: number): QuantileRanks | NotEstimable {
	requireLevel(level);
	requireArgument(
		Number.isSafeInteger(observations) && observations >= 0,
		"INVALID_COUNT",
		"observations",
		observations,
		"an integer ≥ 0",
	);
	const beyond = observations * Math.min(level, 1 - level);
	// Rounded, since 300·(1 − 0.9) is a hair below 30.
	if (Math.round(beyond * 1e6) < MINIMUM_BEYOND * 1e6) {
		const needed = Math.ceil(MINIMUM_BEYOND / Math.min(level, 1 - level) - 1e-6);
		return notEstimable(
			"too-few-observations",
			`The ${level} quantile needs ${needed} observations; there are ${observations}.`,
		);
	}
	const centre = observations * level;
	const radius = QUANTILE_SPACING * Math.sqrt(centre * (1 - level));
	return {
		lower: Math.max(1, Math.floor(centre - radius)),
		// 100·0.07 is a hair above 7.
		at: Math.ceil(centre * (1 - 4 * Number.EPSILON)),
		upper: Math.min(observations, Math.ceil(centre + radius)),
	};
}

/**
 * Quantile of observations that come in units, with its variance on the log scale:
 *
 * Var(ln q̂) = [(ln Y_U − ln Y_L)/(2·1.96)]² · max(1, Var_cl(F̂) / (ν(1−ν)/n)),
 *
 * Var_cl(F̂) the clustered variance of the share of observations ≤ q̂.
 *
 * @param level ν in (0, 1)
 * @returns not-estimable for too few observations or units, values that are not positive, `no-variation` when the
 *   neighbouring order statistics are tied
 * @throws {StatsError} INVALID_LEVEL, INVALID_COUNT, MIXED_QUANTITIES
 * @see Deng, Knoblich, Lu 2018, arXiv:1803.06336, §4 (order statistics and cluster correction)
 */
export function quantileEstimate(evidence: QuantileEvidence, level: number): QuantileEstimate | NotEstimable {
	requireLevel(level);
	const share = ratioEstimate(evidence.below);
	if (share.kind === "not-estimable") return share;
	const { units, observations } = share;
	if (!Number.isSafeInteger(observations)) {
		return notEstimable("impossible-sums", "Observations are counted in whole numbers.");
	}
	const ranks = quantileRanks(observations, level);
	if ("kind" in ranks) return ranks;
	const { lower, at, upper } = evidence.orderStatistics;
	if (![lower, at, upper].every(Number.isFinite)) {
		return notEstimable("non-finite", "The order statistics are not finite numbers.");
	}
	if (lower <= 0) return notEstimable("not-positive", "A value that is not positive has no place on the log scale.");
	// The share at or below an order statistic is at least its rank; ties may only add to it.
	if (lower > at || at > upper || share.value > 1 || evidence.below.sumY < ranks.at) {
		return notEstimable("impossible-sums", "Order statistics and counts are not of the same observations.");
	}
	if (lower === upper) {
		return notEstimable("no-variation", "The values around the quantile are all the same, so its error is unknown.");
	}
	const designEffect = share.variance / ((level * (1 - level)) / observations);
	const logVariance = (Math.log(upper / lower) / (2 * QUANTILE_SPACING)) ** 2 * Math.max(1, designEffect);
	const variance = at * at * logVariance;
	if (!Number.isFinite(variance)) return notEstimable("non-finite", "The variance is too large for a number.");
	return { kind: "estimated", value: at, logVariance, variance, units, observations, designEffect };
}

function requireLevel(level: number): void {
	requireArgument(level > 0 && level < 1, "INVALID_LEVEL", "level", level, "a number in (0, 1)");
}
