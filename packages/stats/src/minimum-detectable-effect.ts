import { monotoneRoot } from "./monotone-root.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import type { PlannedEffect } from "./planned-metric.ts";
import { type ComparisonPlan, plannedPower } from "./planned-power.ts";
import { requirePower } from "./required-units.ts";

/** Effects that are larger are of no use to anybody. */
const LARGEST_EFFECT = 1e12;

export interface MinimumDetectableEffectOptions {
	/** Enrolled by the end, in all arms together. */
	readonly units: number;
	/** In (alpha, 1). */
	readonly power: number;
	readonly scale: PlannedEffect["scale"];
	/** @default "increase" */
	readonly direction?: "increase" | "decrease";
}

export interface MinimumDetectableEffect {
	readonly kind: "estimated";
	/** On the scale asked for; < 0 for a decrease. */
	readonly value: number;
	readonly scale: PlannedEffect["scale"];
}

/**
 * Smallest true effect that a planned comparison finds with the given power.
 *
 * @returns not-estimable `out-of-reach` when no effect within the metric's range would do, `too-few-units`,
 *   `zero-baseline`
 * @throws {StatsError} INVALID_POWER and those of `plannedPower`
 */
export function minimumDetectableEffect(
	plan: ComparisonPlan,
	options: MinimumDetectableEffectOptions,
): MinimumDetectableEffect | NotEstimable {
	const { units, power, scale, direction = "increase" } = options;
	requirePower(plan, power);
	const sign = direction === "increase" ? 1 : -1;
	const at = (size: number) => plannedPower(plan, { scale, value: sign * size }, units);
	const missing = (size: number) => {
		const result = at(size);
		return result.kind === "estimated" ? result.power - power : 1;
	};

	const typical = scale === "absolute" ? Math.abs(plan.metric.baseline) || 1 : 1;
	let [low, high] = [typical * 1e-9, typical * 1e-9];
	// So that reasons that hold for any effect are told first.
	const first = at(low);
	if (first.kind === "not-estimable" && first.reason !== "out-of-reach") return first;
	while (missing(high) < 0) {
		low = high;
		high *= 2;
		if (high > LARGEST_EFFECT * typical) return outOfReach(units, power);
	}
	const size = low === high ? low : monotoneRoot(missing, low, high);
	// Where the metric cannot go nothing is missing, but nothing is found either.
	const found = at(size);
	if (found.kind === "not-estimable" || found.power < power * (1 - 1e-9)) return outOfReach(units, power);
	return { kind: "estimated", value: sign * size, scale };
}

function outOfReach(units: number, power: number): NotEstimable {
	return notEstimable("out-of-reach", `With ${units} units no possible effect is found with a power of ${power}.`);
}
