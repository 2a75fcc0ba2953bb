import { compareRatios, type RatioComparison, type RatioComparisonOptions } from "./always-valid-comparison.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { ratioEstimate } from "./ratio-estimate.ts";
import type { RatioSums } from "./ratio-sums.ts";
import type { EffectEstimate } from "./relative-effect.ts";
import { requireAlpha } from "./stats-error.ts";
import { type FixedComparison, welchComparison } from "./welch-comparison.ts";

export interface HybridComparisonOptions<Sums extends RatioSums<number> | RatioSums<bigint>>
	extends RatioComparisonOptions<Sums> {
	/** This is the one look that was planned as the end; true at most once in an experiment. */
	readonly final: boolean;
}

/** Effect of treatment against control, by the half of alpha that belongs to this look. */
export interface HybridComparison {
	readonly kind: "estimated";
	/** `watched`: always-valid at alpha/2. `final`: fixed test at alpha/2. */
	readonly basis: "watched" | "final";
	/** R_T − R_C; its interval is the one to conclude from. */
	readonly absoluteEffect: EffectEstimate;
	readonly relativeEffect: EffectEstimate | NotEstimable;
	/** min(1, 2p) of the basis: ≤ alpha exactly when the absolute interval excludes 0. */
	readonly pValue: number;
}

/**
 * An open dashboard with a planned end: always-valid at alpha/2 while it runs, Welch's test at alpha/2 at the end. By
 * Bonferroni the chance to err ever is at most alpha; power lies between that of the two.
 *
 * Having rejected while it was watched, it has rejected: the final look does not take that back.
 *
 * @returns not-estimable as `compareRatios` while watched, as `welchComparison` at the end
 * @throws {StatsError} what `compareRatios` throws
 */
export function hybridComparison<Sums extends RatioSums<number> | RatioSums<bigint>>(
	options: HybridComparisonOptions<Sums>,
): HybridComparison | NotEstimable {
	const { final, ...watched } = options;
	requireAlpha(options.alpha);
	const alpha = options.alpha / 2;
	// Also at the end, so that a design that makes no sense is refused there too.
	const always = compareRatios({ ...watched, alpha });
	const comparison = final ? finalComparison(options, alpha) : always;
	if (comparison.kind === "not-estimable") return comparison;
	const { absoluteEffect, relativeEffect, pValue } = comparison;
	return {
		kind: "estimated",
		basis: final ? "final" : "watched",
		absoluteEffect,
		relativeEffect,
		pValue: Math.min(1, 2 * pValue),
	};
}

function finalComparison<Sums extends RatioSums<number> | RatioSums<bigint>>(
	{ control, treatment, scale = 1 }: HybridComparisonOptions<Sums>,
	alpha: number,
): FixedComparison | RatioComparison | NotEstimable {
	const c = ratioEstimate(control, { scale });
	if (c.kind === "not-estimable") return c;
	const t = ratioEstimate(treatment, { scale });
	if (t.kind === "not-estimable") return t;
	if (c.variance + t.variance === 0) {
		return notEstimable("no-variation", "No unit differs from another within its arm.");
	}
	return welchComparison(c, t, { alpha });
}
