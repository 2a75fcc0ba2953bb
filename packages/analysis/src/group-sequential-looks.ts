import type { MetricDefinition, PlannedLook, TestedLook } from "@armspan/schema";
import {
	type ArmUnits,
	type GroupSequentialLook,
	groupSequentialTest,
	type NotEstimable,
	type PooledLevel,
	pooledLevel,
	repeatedPValue,
} from "@armspan/stats";
import { type Evidence, ratioSums } from "./evidence.ts";
import type { Pair } from "./pair.ts";
import { type PairContrast, pairContrast } from "./pair-contrast.ts";
import type { LookEvidence } from "./planned-looks.ts";

/** The look to be shown: the one that rejected, else the last that could be tested. */
interface ShownLook {
	readonly kind: "estimated";
	readonly found: PairContrast;
	/** Bound of the look, in standard errors: the repeated interval excludes 0 exactly when it rejects. */
	readonly multiplier: number;
	readonly pValue: number;
	readonly look: PlannedLook;
	readonly rejects: boolean;
}

export interface GroupSequentialLooks {
	/** Every look until one rejected, oldest first. */
	readonly looks: readonly TestedLook[];
	readonly shown: ShownLook | NotEstimable;
}

/**
 * One pair at its planned looks, O'Brien–Fleming spending. Alpha is spent by the share of the plan, which is fixed before
 * the start (look k of K: k/K), so every planned look is tested and the last one spends what is left; information only
 * says how looks depend on each other. A look that cannot be tested spends nothing: the next one does for it.
 *
 * @param at at least one look, oldest first
 */
export function groupSequentialLooks(
	metric: MetricDefinition,
	pair: Pair,
	at: readonly LookEvidence[],
): GroupSequentialLooks {
	const design = { alpha: pair.alpha, sides: 2, spending: { kind: "obrien-fleming" } } as const;
	const looks: TestedLook[] = [];
	const taken: GroupSequentialLook[] = [];
	let last: (Omit<ShownLook, "kind" | "pValue"> & { readonly z: number }) | undefined;
	let untested: NotEstimable | undefined;
	for (const { look, evidence } of at) {
		const found = pairContrast(metric, pair, evidence, true);
		const tested =
			found.kind === "not-estimable"
				? found
				: groupSequentialTest({
						...{ design, pastLooks: taken, spendingTime: look.number / look.of, final: look.final },
						units: unitsOf(metric, pair, evidence, found),
						level: levelOf(metric, pair, evidence),
						effect: { value: found.contrast.difference, variance: found.contrast.variance },
					});
		if (found.kind === "not-estimable" || tested.kind === "not-estimable") {
			const { reason, message } = found.kind === "not-estimable" ? found : (tested as NotEstimable);
			looks.push({ ...look, kind: "not-tested", reason, message });
			untested = { kind: "not-estimable", reason, message };
			continue;
		}
		taken.push(tested.look);
		const { spendingTime, informationFraction, efficacyBound, basis } = tested.look;
		looks.push({
			...{ ...look, kind: "tested", spendingTime, zScore: tested.z, bound: efficacyBound, basis },
			informationRatio: informationFraction / taken[0]!.informationFraction,
		});
		const rejects = tested.conclusion === "reject";
		last = { found, multiplier: efficacyBound, look, rejects, z: tested.z };
		if (rejects) break;
	}
	if (last === undefined) {
		if (untested === undefined) throw new TypeError("there is at least one look");
		return { looks, shown: untested };
	}
	const { z, ...shown } = last;
	const pValue = repeatedPValue({ design, pastLooks: taken.slice(0, -1), look: taken.at(-1)!, z });
	return { looks, shown: { kind: "estimated", ...shown, pValue } };
}

/**
 * Units by which later looks may depend on earlier ones: see `placesInChain` of `@armspan/stats`. Of a share of units,
 * which only grows, n/(1 − share), kept finite where every unit counts.
 */
function unitsOf(
	metric: MetricDefinition,
	{ against, variant }: Pair,
	evidence: Evidence,
	{ contrast }: PairContrast,
): ArmUnits {
	const { controlUnits: control, treatmentUnits: treatment } = contrast;
	if (metric.kind !== "proportion" || metric.per !== "unit") return { control, treatment };
	const grown = (arm: string, units: number) => {
		const { sumY, sumN } = ratioSums(evidence, arm, metric);
		return (units * (Number(sumN) + 1)) / (Number(sumN - sumY) + 1);
	};
	return { control: grown(against, control), treatment: grown(variant, treatment) };
}

/** Of what is summed up for a unit, which may grow as long as it is there. */
function levelOf(metric: MetricDefinition, { against, variant }: Pair, evidence: Evidence): PooledLevel | undefined {
	return metric.per === "unit" && metric.kind !== "quantile"
		? pooledLevel(ratioSums(evidence, against, metric), ratioSums(evidence, variant, metric))
		: undefined;
}
