import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import type { PlannedEffect } from "./planned-metric.ts";
import { type ComparisonPlan, plannedPower, requirePlan } from "./planned-power.ts";
import { requireArgument } from "./stats-error.ts";

/** More units than there will ever be; beyond, a double no longer counts one by one. */
const MOST_UNITS = 1e15;

export interface RequiredUnits {
	readonly kind: "estimated";
	/** Enrolled units in all arms together, further arms included. */
	readonly units: number;
	readonly control: number;
	readonly treatment: number;
	/** What these units give, at least the power asked for. */
	readonly power: number;
}

/**
 * Fewest enrolled units with which a planned comparison finds an effect with the given power.
 *
 * @param power in (0, 1), above the error rate
 * @returns not-estimable `out-of-reach` when 10¹⁵ units are too few or the metric cannot go there, `zero-baseline`
 * @throws {StatsError} INVALID_POWER and those of `plannedPower`
 */
export function requiredUnits(
	plan: ComparisonPlan,
	effect: PlannedEffect,
	power: number,
): RequiredUnits | NotEstimable {
	requirePower(plan, power);
	const { controlShare = 0.5, treatmentShare = 0.5 } = plan;
	const fewest = Math.ceil(2 / Math.min(controlShare, treatmentShare));
	const reached = (units: number) => plannedPower(plan, effect, units);
	let [low, high] = [fewest - 1, fewest];
	let atHigh = reached(high);
	while (atHigh.kind === "estimated" && atHigh.power < power) {
		if (high >= MOST_UNITS) {
			return notEstimable("out-of-reach", `No ${MOST_UNITS} units would find this effect with a power of ${power}.`);
		}
		low = high;
		high = Math.min(MOST_UNITS, 2 * high);
		atHigh = reached(high);
	}
	if (atHigh.kind === "not-estimable") return atHigh;
	while (high - low > 1) {
		const middle = Math.floor((low + high) / 2);
		const atMiddle = reached(middle);
		if (atMiddle.kind === "estimated" && atMiddle.power >= power) [high, atHigh] = [middle, atMiddle];
		else low = middle;
	}
	return {
		kind: "estimated",
		units: high,
		control: Math.ceil(high * controlShare),
		treatment: Math.ceil(high * treatmentShare),
		power: atHigh.power,
	};
}

/** @throws {StatsError} INVALID_POWER unless `power` lies between the error rate and 1 */
export function requirePower(plan: ComparisonPlan, power: number): void {
	requirePlan(plan);
	requireArgument(
		power > plan.alpha && power < 1,
		"INVALID_POWER",
		"power",
		power,
		`a number in (alpha, 1), alpha being ${plan.alpha}`,
	);
}
