import { benjaminiHochberg } from "./benjamini-hochberg.ts";
import { holm } from "./holm.ts";
import type { NotEstimable } from "./not-estimable.ts";
import { requireAlpha, requireArgument } from "./stats-error.ts";

export interface ArmsAgainstControlOptions {
	/** Error rate over all arms together, in (0, 1). */
	readonly alpha: number;
	/** `holm` bounds the chance of any false claim, `benjamini-hochberg` the share of false claims. @default "holm" */
	readonly method?: "holm" | "benjamini-hochberg";
}

export interface ArmAgainstControl {
	readonly kind: "estimated";
	readonly pValue: number;
	/** Compare with alpha. */
	readonly adjustedPValue: number;
	/** adjustedPValue < alpha */
	readonly differs: boolean;
}

export interface ArmsAgainstControl {
	readonly arms: Readonly<Record<string, ArmAgainstControl | NotEstimable>>;
	/** alpha / arms: intervals at this level hold for all arms together. */
	readonly intervalAlpha: number;
}

/**
 * Several treatments against one control. Each compares with control at `intervalAlpha`; which of them differ is told
 * by adjusted p-values. An arm that is not estimable still counts as one of them: it may become so at the next look.
 *
 * @param comparisons p-value per treatment, or why there is none
 * @throws {StatsError} INVALID_ALPHA, INVALID_P_VALUE, INVALID_COUNT without an arm
 */
export function armsAgainstControl(
	comparisons: Readonly<Record<string, { readonly kind: "estimated"; readonly pValue: number } | NotEstimable>>,
	options: ArmsAgainstControlOptions,
): ArmsAgainstControl {
	const { alpha, method = "holm" } = options;
	requireAlpha(alpha);
	const arms = Object.entries(comparisons);
	requireArgument(arms.length > 0, "INVALID_COUNT", "comparisons", arms.length, "at least one arm");
	const pValues = arms.map(([, comparison]) => (comparison.kind === "estimated" ? comparison.pValue : 1));
	const adjusted = method === "holm" ? holm(pValues) : benjaminiHochberg(pValues);
	const results = arms.map(([key, comparison], position): [string, ArmAgainstControl | NotEstimable] => {
		if (comparison.kind === "not-estimable") return [key, comparison];
		const adjustedPValue = adjusted[position]!;
		return [key, { kind: "estimated", pValue: comparison.pValue, adjustedPValue, differs: adjustedPValue < alpha }];
	});
	return { arms: Object.fromEntries(results), intervalAlpha: alpha / arms.length };
}
