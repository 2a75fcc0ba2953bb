import { armsAgainstControl, type NotEstimable } from "@armspan/stats";

/** A p-value of one treatment, or why there is none. */
export type PValue = { readonly kind: "estimated"; readonly pValue: number } | NotEstimable;

/**
 * p-values of one claim about each treatment, adjusted for the number of treatments (Holm): a claim below alpha is wrong
 * for any of them with probability at most alpha. With one treatment they stay what they are.
 */
export function adjustedPValues(pValues: ReadonlyMap<string, PValue>, alpha: number): Map<string, PValue> {
	const { arms } = armsAgainstControl(Object.fromEntries(pValues), { alpha });
	return new Map(
		Object.entries(arms).map(([treatment, arm]) => [
			treatment,
			arm.kind === "estimated" ? { kind: "estimated", pValue: arm.adjustedPValue } : arm,
		]),
	);
}
