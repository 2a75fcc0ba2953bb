import { BUILT_IN_METRICS, type MetricDefinition } from "@armspan/schema";
import type { EvidenceKey, RatioMoments, Store } from "../store.ts";

const METRICS = ["error-rate", "latency", "cost", "feedback", "conversion"] as const;
export type SummedMetric = (typeof METRICS)[number];

/** Some metrics by variant. */
export interface VariantSums {
	excludedUnits: number;
	newestCallAt: Date | null;
	variants: {
		variant: string;
		units: number;
		calls: number;
		undeliveredCalls: number;
		metrics: Record<SummedMetric, RatioMoments>;
	}[];
}

/** `metricTotals` of all days together. For tests only. */
export async function variantSums(store: Store, key: EvidenceKey): Promise<VariantSums> {
	const { excludedUnits, newestCallAt, arms } = await store.metricTotals({
		...{ ...key, unitType: "user", prompt: "", asOf: new Date(0) },
		metrics: METRICS.map((metric) => BUILT_IN_METRICS.get(metric) as MetricDefinition),
	});
	const byVariant = Map.groupBy(arms, ({ variant }) => variant);
	const variants = [...byVariant].map(([variant, days]) => {
		const sum = (of: (day: (typeof days)[number]) => number) => days.reduce((total, day) => total + of(day), 0);
		const metrics = METRICS.map((metric): [SummedMetric, RatioMoments] => {
			const moments = days.map((day) => day.metrics[metric] as RatioMoments);
			const total = (of: "sumY" | "sumN" | "sumYY" | "sumNN" | "sumYN") =>
				moments.reduce((all, each) => all + each[of], 0n);
			return [
				metric,
				{
					units: moments.reduce((all, { units }) => all + units, 0),
					...{ sumY: total("sumY"), sumN: total("sumN") },
					...{ sumYY: total("sumYY"), sumNN: total("sumNN"), sumYN: total("sumYN") },
					scale: moments[0]?.scale ?? 1,
				},
			];
		});
		return {
			variant,
			...{ units: sum(({ units }) => units), calls: sum(({ calls }) => calls) },
			undeliveredCalls: sum(({ undeliveredCalls }) => undeliveredCalls),
			metrics: Object.fromEntries(metrics) as Record<SummedMetric, RatioMoments>,
		};
	});
	return { excludedUnits, newestCallAt, variants };
}
