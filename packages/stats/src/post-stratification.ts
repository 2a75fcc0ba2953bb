import { type ArmEstimate, degreesOfFreedomOf, requireArm, satterthwaite } from "./arm-estimate.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { requireArgument } from "./stats-error.ts";

/** Both arms within one stratum, for instance the units first exposed in one week. */
export interface Stratum {
	readonly key: string;
	readonly control: ArmEstimate | NotEstimable;
	readonly treatment: ArmEstimate | NotEstimable;
	/** Relative to the other strata's; fixed, or the stratum's share of all units. @default units of both arms */
	readonly weight?: number;
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
	const parts = [];
	// Sorted, so that the order of strata changes no bit.
	const sorted = [...strata].sort((a, b) => (a.key < b.key ? -1 : 1));
	for (const { key, control, treatment, weight: given } of sorted) {
		if (given !== undefined) requireWeight(given, key);
		if (given === 0) continue;
		for (const [name, arm] of Object.entries({ control, treatment })) {
			if (isNotEstimable(arm)) return notEstimable(arm.reason, `Stratum "${key}", ${name}: ${arm.message}`);
			requireArm(arm, `${key}.${name}`);
			if (arm.units < 2) {
				return notEstimable("too-few-units", `Stratum "${key}", ${name}: a variance needs two units.`);
			}
		}
		const arms = { control: control as ArmEstimate, treatment: treatment as ArmEstimate };
		parts.push({ ...arms, weight: given ?? arms.control.units + arms.treatment.units });
	}
	requireArgument(
		parts.length > 0,
		"INVALID_ALLOCATION",
		"strata",
		strata.length,
		"at least one stratum with a weight",
	);
	const heaviest = Math.max(...parts.map((part) => part.weight));
	// Relative to the heaviest, so that no sum of weights overflows.
	const total = parts.reduce((sum, part) => sum + part.weight / heaviest, 0);
	const shares = parts.map((part) => part.weight / heaviest / total);
	const weighted = (arms: readonly ArmEstimate[]) => combine(arms, shares);
	return {
		kind: "estimated",
		control: weighted(parts.map((part) => part.control)),
		treatment: weighted(parts.map((part) => part.treatment)),
	};
}

function combine(arms: readonly ArmEstimate[], shares: readonly number[]): Required<ArmEstimate> {
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

function requireWeight(weight: number, key: string): void {
	requireArgument(
		weight >= 0 && weight < Number.POSITIVE_INFINITY,
		"INVALID_WEIGHT",
		`strata.${key}.weight`,
		weight,
		"a finite number ≥ 0",
	);
}
