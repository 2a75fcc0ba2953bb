import { exactQuotient } from "./exact-quotient.ts";
import { normalUpperQuantile, twoSidedNormalTail } from "./normal-tail.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { type ProportionCounts, type ProportionEstimate, proportionEstimate } from "./proportion-estimate.ts";
import type { EffectEstimate } from "./relative-effect.ts";
import { scoreInterval } from "./score-interval.ts";

/** Below this many units in the smaller arm the difference gets Miettinen and Nurminen's interval. */
export const SCORE_INTERVAL_BELOW = 200;

export interface ProportionComparisonOptions {
	/** Two-sided error rate, in (0, 1). */
	readonly alpha: number;
	/** @default "miettinen-nurminen" below 200 units in the smaller arm, "newcombe" from there */
	readonly method?: "newcombe" | "miettinen-nurminen";
	/** Yates' correction of the p-value; needlessly careful where arms are not tiny. @default false */
	readonly continuityCorrection?: boolean;
}

/** Difference of two shares at one planned look; valid only where one unit is one trial. */
export interface ProportionComparison {
	readonly kind: "estimated";
	/** Wilson's interval per arm. */
	readonly control: ProportionEstimate;
	readonly treatment: ProportionEstimate;
	/** p_T − p_C; `standardError` is the unpooled one, the interval that of `method`. */
	readonly absoluteEffect: EffectEstimate;
	/** p_T/p_C − 1, by the same construction from Wilson's bounds; `standardError` is the delta method's. */
	readonly relativeEffect: EffectEstimate | NotEstimable;
	/** Two-sided chi-square test with the pooled share. */
	readonly pValue: number;
	readonly method: "newcombe" | "miettinen-nurminen";
}

/**
 * Compares two proportions at one planned look, with intervals that hold for few units and shares near 0 or 1.
 *
 * @returns not-estimable below two units in an arm, for impossible counts, and when all or no unit of both arms did it
 * @throws {StatsError} INVALID_ALPHA
 * @see Newcombe 1998, Statist. Med. 17, 873, method 10; Miettinen, Nurminen 1985, Statist. Med. 4; Donner, Zou 2012,
 *   Statist. Methods Med. Res. 21, for the ratio
 */
export function proportionComparison(
	controlCounts: ProportionCounts,
	treatmentCounts: ProportionCounts,
	options: ProportionComparisonOptions,
): ProportionComparison | NotEstimable {
	const { alpha, continuityCorrection = false } = options;
	const control = proportionEstimate(controlCounts, { alpha });
	if (control.kind === "not-estimable") return control;
	const treatment = proportionEstimate(treatmentCounts, { alpha });
	if (treatment.kind === "not-estimable") return treatment;

	const [successes, units] = [
		Number(controlCounts.successes) + Number(treatmentCounts.successes),
		control.units + treatment.units,
	];
	if (successes === 0 || successes === units) {
		return notEstimable(
			"no-variation",
			`${successes === 0 ? "No" : "Every"} unit of both arms counts, so nothing differs.`,
		);
	}
	const value = differenceOf(controlCounts, treatmentCounts);
	const resolution = 1 / control.units + 1 / treatment.units;
	const pooledError = Math.sqrt((successes / units) * ((units - successes) / units) * resolution);
	const distance = Math.max(0, Math.abs(value) - (continuityCorrection ? resolution / 2 : 0));
	const z = normalUpperQuantile(alpha / 2);
	const fewest = Math.min(control.units, treatment.units);
	const method = options.method ?? (fewest < SCORE_INTERVAL_BELOW ? "miettinen-nurminen" : "newcombe");
	const [lower, upper] =
		method === "newcombe"
			? newcombeInterval(control, treatment, value)
			: scoreInterval(
					{ units: control.units, successes: Number(controlCounts.successes) },
					{ units: treatment.units, successes: Number(treatmentCounts.successes) },
					z,
				);
	const standardError = Math.sqrt(control.variance + treatment.variance);
	return {
		kind: "estimated",
		control,
		treatment,
		absoluteEffect: { kind: "estimated", value, standardError, lower, upper },
		relativeEffect: relativeShares(control, treatment),
		pValue: twoSidedNormalTail(distance / pooledError),
		method,
	};
}

/** p_T − p_C, exact also where the shares agree in most digits. */
function differenceOf(control: ProportionCounts, treatment: ProportionCounts): number {
	const [nC, xC, nT, xT] = [control.units, control.successes, treatment.units, treatment.successes].map(BigInt) as [
		bigint,
		bigint,
		bigint,
		bigint,
	];
	return exactQuotient(xT * nC - xC * nT, nT * nC);
}

/** Wilson's bounds of the arms combined: the difference is as uncertain as both of them at right angles. */
function newcombeInterval(control: ProportionEstimate, treatment: ProportionEstimate, value: number): [number, number] {
	return [
		value - Math.hypot(treatment.value - treatment.lower, control.upper - control.value),
		value + Math.hypot(treatment.upper - treatment.value, control.value - control.lower),
	];
}

/**
 * The ratio's bounds ρ solve (p_T − ρ·p_C)² = (p_T − bound_T)² + ρ²·(p_C − bound_C)²: not a point where nobody in
 * treatment did it, and on the same side of 1 as Newcombe's difference is of 0.
 */
function relativeShares(control: ProportionEstimate, treatment: ProportionEstimate): EffectEstimate | NotEstimable {
	const [c, t] = [control.value, treatment.value];
	if (c === 0) {
		return notEstimable("zero-baseline", "Control's share is 0, so there is no relative change; see the absolute one.");
	}
	const root = (boundT: number, boundC: number) =>
		Math.sqrt(Math.max(0, (t * c) ** 2 - boundT * (2 * t - boundT) * boundC * (2 * c - boundC)));
	// The lower root in the form that survives a denominator near 0.
	const atLower = treatment.lower * (2 * t - treatment.lower);
	const lower = t === 0 ? 0 : atLower / (t * c + root(treatment.lower, control.upper));
	const upper = (t * c + root(treatment.upper, control.lower)) / (control.lower * (2 * c - control.lower));
	const standardError = Math.hypot(Math.sqrt(treatment.variance), (t / c) * Math.sqrt(control.variance)) / c;
	return { kind: "estimated", value: t / c - 1, standardError, lower: lower - 1, upper: upper - 1 };
}
