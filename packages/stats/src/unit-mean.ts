import { type DesignEffect, designEffect } from "./design-effect.ts";
import { type MeanSums, meanEstimate } from "./mean-estimate.ts";
import type { NotEstimable } from "./not-estimable.ts";
import { type RatioEstimate, type RatioEstimateOptions, ratioEstimate } from "./ratio-estimate.ts";
import type { RatioSums } from "./ratio-sums.ts";

/** One arm's sums for both ways of averaging. */
export interface UnitMeanEvidence<Quantity extends number | bigint = number | bigint> {
	/** Sᵢ and Nᵢ of every unit. */
	readonly ratio: RatioSums<Quantity>;
	/** The units' own means Sᵢ/Nᵢ over units with an observation; as `bigint` rounded to the integer unit. */
	readonly unitMeans: MeanSums;
	/** Σy² over observations. */
	readonly sumOfSquares: Quantity;
}

/** Both averages of one arm, each with its own error, and what clustering costs. */
export interface UnitMeanBesideRatio {
	/** ΣS/ΣN: the average observation. */
	readonly ratio: RatioEstimate | NotEstimable;
	/** Mean of Sᵢ/Nᵢ: the average unit. */
	readonly unitMean: RatioEstimate | NotEstimable;
	readonly designEffect: DesignEffect | NotEstimable;
}

/**
 * The average unit beside the average observation. They part where units with many observations differ from those with
 * few; a treatment that makes some units come back more often moves the ratio of sums and leaves the unit mean.
 *
 * @throws {StatsError} INVALID_SCALE, MIXED_QUANTITIES
 */
export function unitMeanBesideRatio<Quantity extends number | bigint>(
	evidence: UnitMeanEvidence<Quantity>,
	options: RatioEstimateOptions = {},
): UnitMeanBesideRatio {
	return {
		ratio: ratioEstimate(evidence.ratio, options),
		unitMean: meanEstimate(evidence.unitMeans, options),
		designEffect: designEffect(evidence.ratio, evidence.sumOfSquares),
	};
}
