import type { ValueWithVariance } from "./relative-effect.ts";
import { requireArgument } from "./stats-error.ts";

/** What a fixed-horizon method needs of one arm; every estimate of this package is one. */
export interface ArmEstimate extends ValueWithVariance {
	/** Units behind the variance. */
	readonly units: number;
	/** Of the variance. @default units − 1 */
	readonly degreesOfFreedom?: number;
}

/** Degrees of freedom of an arm's variance. */
export function degreesOfFreedomOf(arm: ArmEstimate): number {
	return arm.degreesOfFreedom ?? arm.units - 1;
}

/** @throws {StatsError} INVALID_ESTIMATE unless value and variance are finite, the variance ≥ 0, units > 0 */
export function requireArm(arm: ArmEstimate, field: string): void {
	const { value, variance, units } = arm;
	requireArgument(Number.isFinite(value), "INVALID_ESTIMATE", `${field}.value`, value, "a finite number");
	requireArgument(
		variance >= 0 && variance < Number.POSITIVE_INFINITY,
		"INVALID_ESTIMATE",
		`${field}.variance`,
		variance,
		"a finite number ≥ 0",
	);
	requireArgument(
		units > 0 && units < Number.POSITIVE_INFINITY,
		"INVALID_ESTIMATE",
		`${field}.units`,
		units,
		"a finite number > 0",
	);
	const freedom = degreesOfFreedomOf(arm);
	requireArgument(
		Number.isFinite(freedom) && (freedom > 0 || units < 2),
		"INVALID_ESTIMATE",
		`${field}.degreesOfFreedom`,
		freedom,
		"a finite number > 0",
	);
}

/** A variance and how well it is known. */
interface VarianceComponent {
	readonly variance: number;
	readonly degreesOfFreedom: number;
}

/**
 * Degrees of freedom of a sum of independent variances: V² / Σ(Vᵢ²/dfᵢ).
 *
 * @see Satterthwaite 1946, Biometrics Bull. 2
 */
export function satterthwaite(components: readonly VarianceComponent[]): number {
	const total = components.reduce((sum, { variance }) => sum + variance, 0);
	// Of shares, since squared variances underflow.
	return (
		1 / components.reduce((sum, { variance, degreesOfFreedom }) => sum + (variance / total) ** 2 / degreesOfFreedom, 0)
	);
}
