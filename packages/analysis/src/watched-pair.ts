import type { Experiment, MetricKey } from "@armspan/schema";
import type { RatioSums } from "@armspan/stats";
import type { VariantTotals } from "@armspan/store";
import { armSums } from "./arm-sums.ts";

/** Control and one treatment, with all that a comparison at every look has to know of their design. */
export interface WatchedPair {
	readonly control: RatioSums<bigint>;
	readonly treatment: RatioSums<bigint>;
	/** Units expected in these two arms together. */
	readonly plannedUnits: number;
	readonly plannedShare: number;
	readonly scale: number;
}

/** The pair in which one metric of a treatment is compared with control. */
export function watchedPair(
	experiment: Experiment,
	treatment: Experiment["variants"][number],
	metric: MetricKey,
	totals: VariantTotals,
): WatchedPair {
	const control = controlOf(experiment);
	const { sums, scale } = armSums(totals, control.key, metric);
	const weights = control.weight + treatment.weight;
	const totalWeight = experiment.variants.reduce((sum, { weight }) => sum + weight, 0);
	return {
		control: sums,
		treatment: armSums(totals, treatment.key, metric).sums,
		// Planned for the experiment; this comparison sees the units of two arms.
		plannedUnits: (experiment.plannedUnits * weights) / totalWeight,
		plannedShare: Math.min(control.weight, treatment.weight) / weights,
		scale,
	};
}

export function controlOf({ variants }: Experiment): Experiment["variants"][number] {
	const [control] = variants;
	if (control === undefined) {
		throw new TypeError("an experiment has at least two variants");
	}
	return control;
}

export function treatmentsOf({ variants }: Experiment): Experiment["variants"] {
	return variants.slice(1);
}
