import {
	type Experiment,
	type MetricDefinition,
	metricScale,
	type PlannedLook,
	type TestedLook,
} from "@armspan/schema";
import {
	type Contrast,
	compareRatios,
	type EffectEstimate,
	fixedComparison,
	type NotEstimable,
	pValueOfLogEValue,
	tuneRhoSquared,
	twoSidedLogEValue,
	twoSidedRadiusMultiplier,
} from "@armspan/stats";
import { type Evidence, ratioSums, sourceFailure } from "./evidence.ts";
import { groupSequentialLooks } from "./group-sequential-looks.ts";
import type { Pair } from "./pair.ts";
import { type PairContrast, pairContrast } from "./pair-contrast.ts";
import type { LookEvidence } from "./planned-looks.ts";

/** What two arms show of one metric, by the inference that the experiment was planned with. */
export interface PairComparison {
	readonly kind: "estimated";
	readonly absoluteEffect: EffectEstimate | NotEstimable;
	readonly relativeEffect: EffectEstimate | NotEstimable;
	/** Sign of the effect if it is shown to be there, else 0. */
	readonly shown: -1 | 0 | 1;
	/** At most `alpha` of the pair exactly when `shown` is not 0. */
	readonly pValue: number;
	readonly look: PlannedLook | null;
	/** Of a group-sequential test: every planned look until it rejected, or until now. */
	readonly looks: readonly TestedLook[];
	readonly adjustment: PairContrast["adjustment"];
}

/** The planned look has not come: there is nothing to conclude from yet. */
interface Waiting {
	readonly kind: "waiting";
	readonly message: string;
}

export interface PairEvidence {
	/** All that counts now. */
	readonly now: Evidence;
	/** That of the planned looks that were reached, oldest first. */
	readonly looks: readonly LookEvidence[];
}

/** Nothing to show, with the planned looks at which that was found. */
type Untested = NotEstimable & { readonly looks?: readonly TestedLook[] };

export type PairOutcome = PairComparison | Untested | Waiting;

/** Compares one metric of two arms, so that the interval holds when the experiment's inference says. */
export function comparePair(
	metric: MetricDefinition,
	pair: Pair,
	{ now, looks }: PairEvidence,
	{ inference, plannedUnits }: Pick<Experiment, "inference" | "plannedUnits">,
): PairOutcome {
	const final = looks.find(({ look }) => look.final);
	for (const evidence of [now, ...looks.map((one) => one.evidence)]) {
		const failed = sourceFailure(evidence, metric);
		if (failed !== undefined) return failed;
	}
	switch (inference) {
		case "always-valid":
			return watched(metric, pair, now);
		case "hybrid": {
			// Half of alpha while it is watched, half for the end: by Bonferroni both together keep alpha.
			const half = { ...pair, alpha: pair.alpha / 2 };
			const compared = final === undefined ? watched(metric, half, now) : atOneLook(metric, half, final, true);
			return compared.kind === "estimated" ? { ...compared, pValue: Math.min(1, 2 * compared.pValue) } : compared;
		}
		case "fixed":
			return final === undefined
				? { kind: "waiting", message: `The one planned look comes with ${plannedUnits} units.` }
				: atOneLook(metric, pair, final, false);
		case "group-sequential":
			return looks.length === 0
				? {
						kind: "waiting",
						message: `The first planned look has not come; the last comes with ${plannedUnits} units.`,
					}
				: atPlannedLooks(metric, pair, looks);
	}
}

/** At every look: an asymptotic confidence sequence on the safeguarded contrast. */
function watched(metric: MetricDefinition, pair: Pair, evidence: Evidence): PairComparison | NotEstimable {
	const { alpha, plannedUnits, plannedShare, against, variant } = pair;
	if (metric.kind !== "quantile" && metric.covariateDays === undefined) {
		const compared = compareRatios({
			control: ratioSums(evidence, against, metric),
			treatment: ratioSums(evidence, variant, metric),
			scale: metricScale(metric),
			...{ alpha, plannedUnits, plannedShare },
		});
		if (compared.kind === "not-estimable") return compared;
		const { absoluteEffect, relativeEffect, pValue } = compared;
		return {
			...{ kind: "estimated", absoluteEffect, relativeEffect, pValue, look: null, looks: [], adjustment: null },
			shown: signShown(absoluteEffect),
		};
	}
	const found = pairContrast(metric, pair, evidence, true);
	if (found.kind === "not-estimable") return found;
	const { multiplier, pValue } = watchedTest(pair, found.contrast);
	return outcome(found, { multiplier, pValue }, null);
}

/** Width in standard errors of an interval that holds at every look, and the p-value that does. */
export function watchedTest(
	{ alpha, plannedUnits, plannedShare }: Pair,
	{ controlUnits, treatmentUnits, difference, variance }: Contrast,
): { readonly multiplier: number; readonly pValue: number } {
	const effectiveUnits = (4 * controlUnits * treatmentUnits) / (controlUnits + treatmentUnits);
	// Narrowest around half of the effective units that are planned, as in `compareRatios`.
	const rhoSquared = tuneRhoSquared(alpha, 0.5 * plannedUnits * 4 * plannedShare * (1 - plannedShare));
	return {
		multiplier: twoSidedRadiusMultiplier(effectiveUnits, rhoSquared, alpha),
		pValue: pValueOfLogEValue(twoSidedLogEValue(difference / Math.sqrt(variance), effectiveUnits, rhoSquared)),
	};
}

/** Once, at a look that was planned. */
function atOneLook(
	metric: MetricDefinition,
	pair: Pair,
	{ look, evidence }: LookEvidence,
	safeguarded: boolean,
): PairComparison | NotEstimable {
	const found = pairContrast(metric, pair, evidence, safeguarded);
	if (found.kind === "not-estimable") return found;
	const compared = fixedComparison(found.contrast, { alpha: pair.alpha });
	if (compared.kind === "not-estimable") return compared;
	const { upper, value, standardError } = compared.absoluteEffect;
	return outcome(found, { multiplier: (upper - value) / standardError, pValue: compared.pValue }, look);
}

/** At each of the planned looks; what was rejected stays rejected, with the effect of the look that did. */
function atPlannedLooks(metric: MetricDefinition, pair: Pair, at: readonly LookEvidence[]): PairComparison | Untested {
	const { looks, shown } = groupSequentialLooks(metric, pair, at);
	if (shown.kind === "not-estimable") return { ...shown, looks };
	const { found, multiplier, pValue, look, rejects } = shown;
	const compared = outcome(found, { multiplier, pValue }, look);
	return { ...compared, looks, shown: rejects ? (Math.sign(found.contrast.difference) as -1 | 1) : 0 };
}

function outcome(
	found: PairContrast,
	{ multiplier, pValue }: { readonly multiplier: number; readonly pValue: number },
	look: PlannedLook | null,
): PairComparison {
	const { contrast, adjustment } = found;
	const { difference, variance } = contrast;
	const isShown = Math.abs(difference) >= multiplier * Math.sqrt(variance);
	return {
		kind: "estimated",
		...found.effects(multiplier),
		shown: isShown ? (Math.sign(difference) as -1 | 0 | 1) : 0,
		...{ pValue, look, looks: [], adjustment },
	};
}

function signShown({ lower, upper }: EffectEstimate): -1 | 0 | 1 {
	return lower > 0 ? 1 : upper < 0 ? -1 : 0;
}
