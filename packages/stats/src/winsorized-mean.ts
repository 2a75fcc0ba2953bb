import { mergeAdditiveSums } from "./additive-sums.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { type RatioEstimate, type RatioEstimateOptions, ratioEstimate } from "./ratio-estimate.ts";
import { mergeRatioSums, type RatioSums } from "./ratio-sums.ts";
import { requireArgument } from "./stats-error.ts";

/** Sums of observations cut at a cap, with what was cut beside them. */
export interface WinsorizedSums<Quantity extends number | bigint = number | bigint> {
	/** Fixed before launch, from control's history; in the unit of the sums. */
	readonly cap: Quantity;
	/** Sums of min(y, cap). */
	readonly capped: RatioSums<Quantity>;
	/** Σy as it was. */
	readonly uncappedSum: Quantity;
	/** Observations above the cap. */
	readonly cappedObservations: Quantity;
}

/** A mean that no single observation can dominate, and the total that it hides. */
export interface WinsorizedMean extends RatioEstimate {
	readonly cap: number;
	/** Σy without the cap: what was paid, waited, … in truth. */
	readonly uncappedTotal: number;
	/** Ratio of sums without the cap. */
	readonly uncappedValue: number;
	/** Share of the observations above the cap. */
	readonly cappedShare: number;
}

/**
 * Sums of the units of all parts together; the parts must not share a unit.
 *
 * @throws {StatsError} INVALID_CAP when the parts were cut at different caps, MIXED_QUANTITIES
 */
export function mergeWinsorizedSums<Sums extends WinsorizedSums<number> | WinsorizedSums<bigint>>(
	...parts: [Sums, ...Sums[]]
): Sums {
	return parts.reduce((total, part) => {
		requireArgument(part.cap === total.cap, "INVALID_CAP", "cap", part.cap, `${total.cap} as in the other parts`);
		return {
			...mergeAdditiveSums<Sums>(["uncappedSum", "cappedObservations"], [total, part]),
			cap: total.cap,
			capped: mergeRatioSums<RatioSums<bigint>>(total.capped as RatioSums<bigint>, part.capped as RatioSums<bigint>),
		};
	});
}

/**
 * Ratio of sums of observations cut at a cap that was fixed before launch (a winsorized mean, from above), with the
 * total that was not cut.
 *
 * @returns not-estimable as `ratioEstimate`, and when the capped and the uncapped sums contradict each other
 * @throws {StatsError} INVALID_CAP, INVALID_SCALE, MIXED_QUANTITIES
 */
export function winsorizedMean(
	sums: WinsorizedSums,
	options: RatioEstimateOptions = {},
): WinsorizedMean | NotEstimable {
	const { cap, capped, uncappedSum, cappedObservations } = sums;
	const finiteCap = typeof cap === "bigint" || Number.isFinite(cap);
	requireArgument(finiteCap && cap > 0, "INVALID_CAP", "cap", cap, "a finite number > 0");
	const quantities = { cap, uncappedSum, cappedObservations };
	for (const [field, value] of Object.entries(quantities)) {
		const type = typeof capped.units;
		requireArgument(typeof value === type, "MIXED_QUANTITIES", `sums.${field}`, value, `a ${type} like units`);
	}
	const estimate = ratioEstimate(capped, options);
	if (estimate.kind === "not-estimable") return estimate;
	if (![uncappedSum, cappedObservations].every((sum) => Number.isFinite(Number(sum)))) {
		return notEstimable("non-finite", "The uncapped sums are not finite numbers.");
	}
	const aboveCap = Number(capped.sumY) > Number(cap) * Number(capped.sumN) * (1 + 1e-12);
	const cutBelow = Number(uncappedSum) < Number(capped.sumY) - 1e-12 * Math.abs(Number(capped.sumY));
	if (aboveCap || cutBelow || cappedObservations < 0 || cappedObservations > capped.sumN) {
		return notEstimable("impossible-sums", "Capped and uncapped sums are not of the same observations.");
	}
	const scale = options.scale ?? 1;
	const uncappedTotal = Number(uncappedSum) / scale;
	return {
		...estimate,
		cap: Number(cap) / scale,
		uncappedTotal,
		uncappedValue: uncappedTotal / estimate.observations,
		cappedShare: Number(cappedObservations) / estimate.observations,
	};
}
