import { type ArmEstimate, degreesOfFreedomOf, requireArm, satterthwaite } from "./arm-estimate.ts";
import type { Contrast } from "./contrast.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { requireArgument } from "./stats-error.ts";

/** A part of the units that was known before exposure, for instance those first exposed in one week. */
interface StratumBase {
	readonly key: string;
	/** Relative to the other strata's; fixed, or the stratum's share of all units. @default units of both arms */
	readonly weight?: number;
}

/** Both arms within one stratum. */
export interface Stratum extends StratumBase {
	readonly control: ArmEstimate | NotEstimable;
	readonly treatment: ArmEstimate | NotEstimable;
}

/** The difference within one stratum. */
export interface StratumContrast extends StratumBase {
	readonly contrast: Contrast | NotEstimable;
}

/** The two arms brought to the same mix of strata; give them to any comparison. */
export interface PostStratifiedArms {
	readonly kind: "estimated";
	readonly control: Required<ArmEstimate>;
	readonly treatment: Required<ArmEstimate>;
}

/**
 * Arms weighted to the same mix of strata: Rₐ = Σwₛ·Rₐₛ and Vₐ = Σwₛ²·Vₐₛ, so that the difference is Σwₛ·Δₛ.
 *
 * A unit belongs to one stratum for ever, that of its first exposure. A stratum whose weight is 0 is left out.
 *
 * @returns not-estimable when an arm is so in any stratum with a weight; merge that stratum with a neighbour
 * @throws {StatsError} INVALID_ALLOCATION without strata or without weight, INVALID_WEIGHT, INVALID_ESTIMATE
 * @see Miratrix, Sekhon, Yu 2013, J. R. Statist. Soc. B 75
 */
export function postStratifiedArms(strata: readonly Stratum[]): PostStratifiedArms | NotEstimable {
	const arms: { control: ArmEstimate; treatment: ArmEstimate; weight: number }[] = [];
	for (const { key, control, treatment, weight } of withWeight(strata)) {
		for (const [name, arm] of Object.entries({ control, treatment })) {
			if (isNotEstimable(arm)) return notEstimable(arm.reason, `Stratum "${key}", ${name}: ${arm.message}`);
			requireArm(arm, `${key}.${name}`);
			if (arm.units < 2) {
				return notEstimable("too-few-units", `Stratum "${key}", ${name}: a variance needs two units.`);
			}
		}
		const [c, t] = [control as ArmEstimate, treatment as ArmEstimate];
		arms.push({ control: c, treatment: t, weight: weight ?? c.units + t.units });
	}
	const shares = sharesOf(arms.map(({ weight }) => weight));
	return {
		kind: "estimated",
		control: combined(
			arms.map(({ control }) => control),
			shares,
		),
		treatment: combined(
			arms.map(({ treatment }) => treatment),
			shares,
		),
	};
}

/**
 * The same for differences, for instance each adjusted by covariates within its stratum: Δ = Σwₛ·Δₛ, V = Σwₛ²·Vₛ.
 *
 * @returns not-estimable when a stratum with a weight is so
 * @throws {StatsError} INVALID_ALLOCATION without strata or without weight, INVALID_WEIGHT
 */
export function postStratifiedContrast(strata: readonly StratumContrast[]): Contrast | NotEstimable {
	const parts: { contrast: Contrast; weight: number }[] = [];
	for (const { key, contrast, weight } of withWeight(strata)) {
		if (contrast.kind === "not-estimable") {
			return notEstimable(contrast.reason, `Stratum "${key}": ${contrast.message}`);
		}
		parts.push({ contrast, weight: weight ?? contrast.controlUnits + contrast.treatmentUnits });
	}
	const shares = sharesOf(parts.map(({ weight }) => weight));
	const over = (of: (contrast: Contrast, share: number) => number) =>
		parts.reduce((sum, { contrast }, stratum) => sum + of(contrast, shares[stratum]!), 0);
	return {
		kind: "estimated",
		difference: over(({ difference }, share) => share * difference),
		variance: over(({ variance }, share) => share ** 2 * variance),
		degreesOfFreedom: satterthwaite(
			parts.map(({ contrast: { variance, degreesOfFreedom } }, stratum) => ({
				variance: shares[stratum]! ** 2 * variance,
				degreesOfFreedom,
			})),
		),
		baseline: {
			value: over(({ baseline }, share) => share * baseline.value),
			variance: over(({ baseline }, share) => share ** 2 * baseline.variance),
		},
		covarianceWithBaseline: over(({ covarianceWithBaseline }, share) => share ** 2 * covarianceWithBaseline),
		controlUnits: over(({ controlUnits }) => controlUnits),
		treatmentUnits: over(({ treatmentUnits }) => treatmentUnits),
	};
}

/** Strata that count, sorted, so that their order changes no bit. */
function withWeight<Some extends StratumBase>(strata: readonly Some[]): Some[] {
	for (const { key, weight } of strata) {
		requireArgument(
			weight === undefined || (weight >= 0 && weight < Number.POSITIVE_INFINITY),
			"INVALID_WEIGHT",
			`strata.${key}.weight`,
			weight,
			"a finite number ≥ 0",
		);
	}
	return strata.filter(({ weight }) => weight !== 0).sort((a, b) => (a.key < b.key ? -1 : 1));
}

function sharesOf(weights: readonly number[]): number[] {
	requireArgument(weights.length > 0, "INVALID_ALLOCATION", "strata", "none", "at least one stratum with a weight");
	// Relative to the heaviest, so that no sum of weights overflows.
	const heaviest = Math.max(...weights);
	const total = weights.reduce((sum, weight) => sum + weight / heaviest, 0);
	return weights.map((weight) => weight / heaviest / total);
}

function combined(arms: readonly ArmEstimate[], shares: readonly number[]): Required<ArmEstimate> {
	const components = arms.map((arm, stratum) => ({
		value: shares[stratum]! * arm.value,
		variance: shares[stratum]! ** 2 * arm.variance,
		degreesOfFreedom: degreesOfFreedomOf(arm),
		units: arm.units,
	}));
	const variance = components.reduce((sum, component) => sum + component.variance, 0);
	const units = components.reduce((sum, component) => sum + component.units, 0);
	return {
		value: components.reduce((sum, component) => sum + component.value, 0),
		variance,
		units,
		degreesOfFreedom: variance === 0 ? units - components.length : satterthwaite(components),
	};
}

function isNotEstimable(arm: ArmEstimate | NotEstimable): arm is NotEstimable {
	return "kind" in arm && arm.kind === "not-estimable";
}
