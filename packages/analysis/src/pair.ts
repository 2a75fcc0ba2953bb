import type { Experiment, MetricDefinition } from "@armspan/schema";

type Variant = Experiment["variants"][number];

/** Two arms to be compared, with all that has to be known of their design. */
export interface Pair {
	/** Control, or in pairs of treatments the earlier one. */
	readonly against: string;
	readonly variant: string;
	/** Error rate of this comparison alone. */
	readonly alpha: number;
	/** Units expected in these two arms together. */
	readonly plannedUnits: number;
	/** Share of the smaller one. */
	readonly plannedShare: number;
}

/** Each treatment with control; each is a claim of its own, so alpha is divided. */
export function treatmentPairs(experiment: Experiment): Pair[] {
	const treatments = treatmentsOf(experiment);
	const control = controlOf(experiment);
	return treatments.map((treatment) => pairOf(experiment, control, treatment, experiment.alpha / treatments.length));
}

/** Each treatment with each earlier one. */
export function pairsOfTreatments(experiment: Experiment): Pair[] {
	const treatments = treatmentsOf(experiment);
	const count = (treatments.length * (treatments.length - 1)) / 2;
	return treatments.flatMap((against, index) =>
		treatments.slice(index + 1).map((variant) => pairOf(experiment, against, variant, experiment.alpha / count)),
	);
}

function pairOf(experiment: Experiment, against: Variant, variant: Variant, alpha: number): Pair {
	const weights = against.weight + variant.weight;
	const totalWeight = experiment.variants.reduce((sum, { weight }) => sum + weight, 0);
	return {
		against: against.key,
		variant: variant.key,
		alpha,
		// Planned for the experiment; this comparison sees the units of two arms.
		plannedUnits: (experiment.plannedUnits * weights) / totalWeight,
		plannedShare: Math.min(against.weight, variant.weight) / weights,
	};
}

export function controlOf({ variants }: Experiment): Variant {
	const [control] = variants;
	if (control === undefined) {
		throw new TypeError("an experiment has at least two variants");
	}
	return control;
}

export function treatmentsOf({ variants }: Experiment): Variant[] {
	return variants.slice(1);
}

/** 1 when a higher value is better, −1 when a lower one is. */
export function wantedSign({ direction }: MetricDefinition): 1 | -1 {
	return direction === "increase" ? 1 : -1;
}
