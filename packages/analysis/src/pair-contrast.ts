import type { MetricDefinition } from "@armspan/schema";
import { metricScale } from "@armspan/schema";
import {
	absoluteContrast,
	type Contrast,
	cupedContrast,
	type EffectEstimate,
	gridQuantileEstimate,
	type NotEstimable,
	notEstimable,
	type QuantileEstimate,
	quantileComparison,
	ratioContrast,
	relativeContrast,
	safeguardedContrast,
	safeguardedCupedContrast,
} from "@armspan/stats";
import { covariateSums, type Evidence, gridEvidence, ratioSums } from "./evidence.ts";
import type { Pair } from "./pair.ts";

/** Units that the smaller arm must have: the floor of all that is watched. */
const MINIMUM_UNITS = 50;

/** The difference of two arms on the scale on which it is tested, and what a width makes of it. */
export interface PairContrast {
	readonly kind: "estimated";
	/** On the scale of the test: that of the metric, of a quantile its logarithm. */
	readonly contrast: Contrast;
	/** The effects with intervals of so many standard errors to either side. */
	effects(multiplier: number): {
		readonly absoluteEffect: EffectEstimate | NotEstimable;
		readonly relativeEffect: EffectEstimate | NotEstimable;
	};
	readonly adjustment: { readonly varianceReduction: number; readonly unadjustedDifference: number } | null;
}

/**
 * @param safeguarded for tests that are repeated, or whose arms are unequal
 * @returns not-estimable below 50 units in the smaller arm, and where an arm is so
 */
export function pairContrast(
	metric: MetricDefinition,
	{ against, variant }: Pick<Pair, "against" | "variant">,
	evidence: Evidence,
	safeguarded: boolean,
): PairContrast | NotEstimable {
	if (metric.kind === "quantile") {
		return quantileContrast(
			gridQuantileEstimate(gridEvidence(evidence, against, metric), metric.level ?? 0.5),
			gridQuantileEstimate(gridEvidence(evidence, variant, metric), metric.level ?? 0.5),
		);
	}
	const scale = metricScale(metric);
	const [controlBefore, treatmentBefore] = [against, variant].map((arm) => covariateSums(evidence, arm, metric));
	if (controlBefore !== undefined && treatmentBefore !== undefined) {
		const contrast = safeguarded
			? safeguardedCupedContrast(controlBefore, treatmentBefore, { scale })
			: cupedContrast(controlBefore, treatmentBefore, { scale });
		if (contrast.kind === "not-estimable") return contrast;
		const { varianceReduction, unadjustedDifference } = contrast;
		return linear(contrast, { varianceReduction, unadjustedDifference });
	}
	const [control, treatment] = [ratioSums(evidence, against, metric), ratioSums(evidence, variant, metric)];
	const contrast = safeguarded
		? safeguardedContrast(control, treatment, { scale })
		: ratioContrast(control, treatment, { scale });
	return contrast.kind === "estimated" ? linear(contrast, null) : contrast;
}

function linear(contrast: Contrast, adjustment: PairContrast["adjustment"]): PairContrast | NotEstimable {
	const fewest = Math.min(contrast.controlUnits, contrast.treatmentUnits);
	if (fewest < MINIMUM_UNITS) return tooFew(fewest);
	return {
		kind: "estimated",
		contrast,
		adjustment,
		effects: (multiplier) => ({
			absoluteEffect: absoluteContrast(contrast, multiplier),
			relativeEffect: relativeContrast(contrast, multiplier),
		}),
	};
}

function quantileContrast(
	control: QuantileEstimate | NotEstimable,
	treatment: QuantileEstimate | NotEstimable,
): PairContrast | NotEstimable {
	if (control.kind === "not-estimable") return control;
	if (treatment.kind === "not-estimable") return treatment;
	const fewest = Math.min(control.units, treatment.units);
	if (fewest < MINIMUM_UNITS) return tooFew(fewest);
	return {
		kind: "estimated",
		adjustment: null,
		contrast: {
			kind: "estimated",
			difference: Math.log(treatment.value / control.value),
			variance: control.logVariance + treatment.logVariance,
			degreesOfFreedom: control.units + treatment.units - 2,
			baseline: { value: Math.log(control.value), variance: control.logVariance },
			covarianceWithBaseline: -control.logVariance,
			controlUnits: control.units,
			treatmentUnits: treatment.units,
		},
		effects: (multiplier) => {
			const compared = quantileComparison(control, treatment, multiplier);
			return compared.kind === "estimated"
				? { absoluteEffect: compared.absoluteEffect, relativeEffect: compared.relativeEffect }
				: { absoluteEffect: compared, relativeEffect: compared };
		},
	};
}

function tooFew(units: number): NotEstimable {
	return notEstimable("too-few-units", `The smaller arm has ${units} of the ${MINIMUM_UNITS} units it needs.`);
}
