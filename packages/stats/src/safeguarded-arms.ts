import { satterthwaite } from "./arm-estimate.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { type RatioEstimate, ratioEstimate } from "./ratio-estimate.ts";
import { mergeRatioSums, type RatioSums } from "./ratio-sums.ts";
import type { ValueWithVariance } from "./relative-effect.ts";
import { requireAlpha, requireArgument } from "./stats-error.ts";

export interface SafeguardedArmsOptions<Sums extends RatioSums<number> | RatioSums<bigint>> {
	readonly control: Sums;
	readonly treatment: Sums;
	/** Units that the smaller arm must have. */
	readonly minimumUnits: number;
	readonly scale?: number;
	/** w of the contrast R_T − w·R_C that is asked for. @default 1 */
	readonly controlFactor?: number;
}

/** Two arms whose variances may be looked at all the time. */
export interface SafeguardedArms {
	readonly kind: "estimated";
	readonly control: ValueWithVariance;
	readonly treatment: ValueWithVariance;
	/** Of V_T + w²·V_C: Satterthwaite's of the arms' own variances, K_T + K_C − 2 of the pooled one. */
	readonly degreesOfFreedom: number;
	/** N_e = 4·K_T·K_C/(K_T+K_C) */
	readonly effectiveUnits: number;
}

/**
 * Estimates two arms and replaces their variances by the pooled ones where those make the contrast's larger:
 * V = max(V_T + w²·V_C, V_pool). A small arm underestimates its variance until it meets its first rare value, and an
 * interval that is looked at all the time catches that moment.
 *
 * @returns not-estimable below `minimumUnits`, when an arm cannot be estimated, and when no unit differs from another
 * @throws {StatsError} INVALID_SCALE, MIXED_QUANTITIES
 */
export function safeguardedArms<Sums extends RatioSums<number> | RatioSums<bigint>>(
	options: SafeguardedArmsOptions<Sums>,
): SafeguardedArms | NotEstimable {
	const { control, treatment, minimumUnits, controlFactor = 1 } = options;
	const scale = { scale: options.scale ?? 1 };
	const [fewest, most] = [Number(control.units), Number(treatment.units)].sort((a, b) => a - b) as [number, number];
	if (fewest >= 0 && fewest < minimumUnits) {
		return notEstimable("too-few-units", `The smaller arm has ${fewest} of the ${minimumUnits} units it needs.`);
	}
	const controlEstimate = ratioEstimate(control, scale);
	if (controlEstimate.kind === "not-estimable") return controlEstimate;
	const treatmentEstimate = ratioEstimate(treatment, scale);
	if (treatmentEstimate.kind === "not-estimable") return treatmentEstimate;
	const pooled = ratioEstimate(mergeRatioSums(control, treatment), scale);
	if (pooled.kind === "not-estimable") return pooled;
	if (pooled.variance === 0) {
		return notEstimable("no-variation", "Every unit of both arms has the same value, so nothing can be compared.");
	}
	return {
		kind: "estimated",
		...safeguard(controlEstimate, treatmentEstimate, pooled, controlFactor ** 2),
		effectiveUnits: 4 * fewest * (most / (fewest + most)),
	};
}

function safeguard(control: RatioEstimate, treatment: RatioEstimate, pooled: RatioEstimate, controlWeight: number) {
	const variancePerUnit = pooled.variance * pooled.units;
	const pooledControl = variancePerUnit / control.units;
	const pooledTreatment = variancePerUnit / treatment.units;
	const own = controlWeight * control.variance + treatment.variance;
	if (own >= controlWeight * pooledControl + pooledTreatment) {
		const degreesOfFreedom = satterthwaite([
			{ variance: controlWeight * control.variance, degreesOfFreedom: control.units - 1 },
			{ variance: treatment.variance, degreesOfFreedom: treatment.units - 1 },
		]);
		return { control, treatment, degreesOfFreedom };
	}
	return {
		degreesOfFreedom: control.units + treatment.units - 2,
		control: { value: control.value, variance: pooledControl },
		treatment: { value: treatment.value, variance: pooledTreatment },
	};
}

/** N* to tune ρ at. The effective horizon: at the nominal one a 1 % arm would lose its power. */
export function effectiveHorizon(plannedUnits: number, plannedShare: number): number {
	return 0.5 * plannedUnits * 4 * plannedShare * (1 - plannedShare);
}

/**
 * What has to be fixed before the first look of a comparison that is watched.
 *
 * @throws {StatsError} INVALID_ALPHA, INVALID_PLANNED_UNITS, INVALID_SHARE, INVALID_MINIMUM_UNITS
 */
export function requireWatchedDesign(
	alpha: number,
	plannedUnits: number,
	plannedShare: number,
	minimumUnits: number,
): void {
	requireAlpha(alpha);
	requireArgument(
		plannedUnits > 0 && plannedUnits < Number.POSITIVE_INFINITY,
		"INVALID_PLANNED_UNITS",
		"plannedUnits",
		plannedUnits,
		"a finite number > 0",
	);
	requireArgument(
		plannedShare > 0 && plannedShare <= 0.5,
		"INVALID_SHARE",
		"plannedShare",
		plannedShare,
		"the smaller arm's share, in (0, 0.5]",
	);
	requireMinimumUnits(minimumUnits);
}

/** @throws {StatsError} INVALID_MINIMUM_UNITS */
export function requireMinimumUnits(minimumUnits: number): void {
	requireArgument(
		Number.isInteger(minimumUnits) && minimumUnits >= 2,
		"INVALID_MINIMUM_UNITS",
		"minimumUnits",
		minimumUnits,
		"an integer ≥ 2",
	);
}
