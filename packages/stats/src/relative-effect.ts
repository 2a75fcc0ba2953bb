import { type NotEstimable, notEstimable } from "./not-estimable.ts";

/** An effect with its interval. */
export interface EffectEstimate {
	readonly kind: "estimated";
	readonly value: number;
	readonly standardError: number;
	readonly lower: number;
	readonly upper: number;
}

/** An estimate with its sampling variance; the arms are independent. */
export interface ValueWithVariance {
	readonly value: number;
	/** ≥ 0 */
	readonly variance: number;
}

/** From this g = c²·V_C/R_C² on the delta method's symmetric interval is too short, and Fieller's is used. */
const FIELLER_FROM = 0.05;

/**
 * Relative change (R_T − R_C)/|R_C| with the interval that belongs to `multiplier` standard errors; it counts the
 * uncertainty of control too. Delta method while control is well known, Fieller's set once it is not.
 *
 * @param multiplier standard errors to either side (z, t or that of a confidence sequence), > 0
 * @returns not-estimable `zero-baseline` for R_C = 0, `unbounded` when control cannot be told from 0 (g ≥ 1)
 * @see Fieller 1954; Deng, Knoblich, Lu 2018, arXiv:1803.06336, §2.1
 */
export function relativeEffect(
	control: ValueWithVariance,
	treatment: ValueWithVariance,
	multiplier: number,
): EffectEstimate | NotEstimable {
	if (control.value === 0) {
		return notEstimable("zero-baseline", "Control's value is 0, so there is no relative change; see the absolute one.");
	}
	const ratio = treatment.value / control.value;
	// In units of control's value, so that nothing is squared that could underflow.
	const controlError = Math.sqrt(control.variance) / Math.abs(control.value);
	const treatmentError = Math.sqrt(treatment.variance) / Math.abs(control.value);
	const standardError = Math.hypot(treatmentError, ratio * controlError);
	const g = (multiplier * controlError) ** 2;
	if (g >= 1) {
		return notEstimable("unbounded", "Control cannot be told from 0, so its relative change has no bounds.");
	}
	const [low, high] =
		g < FIELLER_FROM
			? around(ratio, multiplier * standardError)
			: around(
					ratio / (1 - g),
					(multiplier * Math.sqrt((1 - g) * treatmentError ** 2 + (ratio * controlError) ** 2)) / (1 - g),
				);
	const effect: EffectEstimate =
		control.value > 0
			? { kind: "estimated", value: ratio - 1, standardError, lower: low - 1, upper: high - 1 }
			: // Less negative than a negative baseline is an increase.
				{ kind: "estimated", value: 1 - ratio, standardError, lower: 1 - high, upper: 1 - low };
	const finite = [effect.value, standardError, effect.lower, effect.upper].every(Number.isFinite);
	return finite ? effect : notEstimable("non-finite", "The relative change is too large for a number.");
}

function around(centre: number, radius: number): [number, number] {
	return [centre - radius, centre + radius];
}
