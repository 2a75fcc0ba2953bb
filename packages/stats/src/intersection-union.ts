import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { requireAlpha, requireArgument, requirePValues } from "./stats-error.ts";

export interface IntersectionUnion {
	readonly kind: "estimated";
	/** The largest p-value: evidence that *every* requirement holds. */
	readonly pValue: number;
	/** pValue < alpha */
	readonly shown: boolean;
	/** Requirements not shown at alpha. */
	readonly missing: readonly string[];
}

/**
 * Whether all of several requirements are shown, each tested at alpha: shipping asks that the primary metric is better
 * *and* every guardrail not inferior. No correction is needed, since one requirement that does not hold is enough to
 * be wrong, and its own test lets it pass with probability at most alpha.
 *
 * @param requirements p-value of each, against "it does not hold"
 * @returns not-estimable when a requirement is so: what was not measured is not good news
 * @throws {StatsError} INVALID_ALPHA, INVALID_P_VALUE, INVALID_COUNT without a requirement
 * @see Berger 1982, Technometrics 24
 */
export function intersectionUnion(
	requirements: Readonly<Record<string, { readonly kind: "estimated"; readonly pValue: number } | NotEstimable>>,
	alpha: number,
): IntersectionUnion | NotEstimable {
	requireAlpha(alpha);
	const named = Object.entries(requirements);
	requireArgument(named.length > 0, "INVALID_COUNT", "requirements", named.length, "at least one requirement");
	const pValues: number[] = [];
	const missing: string[] = [];
	for (const [key, requirement] of named) {
		if (requirement.kind === "not-estimable") {
			return notEstimable(requirement.reason, `Requirement "${key}": ${requirement.message}`);
		}
		pValues.push(requirement.pValue);
		if (!(requirement.pValue < alpha)) missing.push(key);
	}
	requirePValues(pValues);
	return { kind: "estimated", pValue: Math.max(...pValues), shown: missing.length === 0, missing };
}
