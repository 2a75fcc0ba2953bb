import { compareRatios, type RatioComparisonOptions } from "./always-valid-comparison.ts";
import type { NotEstimable } from "./not-estimable.ts";
import type { RatioSums } from "./ratio-sums.ts";
import type { EffectEstimate } from "./relative-effect.ts";
import { safeguardedContrast } from "./safeguarded-contrast.ts";
import { requireAlpha } from "./stats-error.ts";
import { fixedComparison } from "./welch-comparison.ts";

export interface HybridComparisonOptions<Sums extends RatioSums<number> | RatioSums<bigint>>
	extends RatioComparisonOptions<Sums> {
	/** This is the one look that was planned as the end; true at most once in an experiment. */
	readonly final: boolean;
}

/** Effect of treatment against control, by the half of alpha that belongs to this look. */
export interface HybridComparison {
	readonly kind: "estimated";
	/** `watched`: always-valid at alpha/2. `final`: t-test at alpha/2. */
	readonly basis: "watched" | "final";
	/** R_T − R_C; its interval is the one to conclude from. */
	readonly absoluteEffect: EffectEstimate;
	readonly relativeEffect: EffectEstimate | NotEstimable;
	/** min(1, 2p) of the basis: ≤ alpha exactly when the absolute interval excludes 0. */
	readonly pValue: number;
}

/**
 * An open dashboard with a planned end: always-valid at alpha/2 while it runs, a t-test at alpha/2 at the end, both with
 * the safeguarded standard error. By Bonferroni the chance to err ever is at most alpha; power lies between that of the
 * two. (With Welch's own standard error the end errs alone in unequal arms of skewed data.)
 *
 * Having rejected while it was watched, it has rejected: the final look does not take that back.
 *
 * @returns not-estimable as `compareRatios`
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
	if (always.kind === "not-estimable") return always;
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
	{ control, treatment, minimumUnits, scale }: HybridComparisonOptions<Sums>,
	alpha: number,
) {
	const contrast = safeguardedContrast(control, treatment, {
		...(minimumUnits === undefined ? {} : { minimumUnits }),
		...(scale === undefined ? {} : { scale }),
	});
	return contrast.kind === "estimated" ? fixedComparison(contrast, { alpha }) : contrast;
}
