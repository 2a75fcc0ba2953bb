import { Experiment } from "@armspan/schema";
import type { MetricSums, MetricTotals, ViolationWindows } from "@armspan/store";

/** An experiment with control and friendly at equal weights, all else at its default. */
export function experimentOf(changes: Record<string, unknown> = {}): Experiment {
	return Experiment.parse({
		key: "tone",
		hypothesis: "friendlier is better",
		owner: "team",
		prompt: "reply",
		status: "running",
		variants: [
			{ key: "control", version: "1.0.0" },
			{ key: "friendly", version: "2.0.0" },
		],
		primaryMetric: { metric: "feedback", minimumDetectableEffect: 0.05 },
		secondaryMetrics: ["latency"],
		guardrails: [{ metric: "error-rate", nonInferiorityMargin: 0.5 }],
		...changes,
	});
}

/** Moments of units that each have the same number of observations, with the given sums of Y. */
export function momentsOf(unitSums: readonly number[], observationsPerUnit = 1, scale = 1): MetricSums {
	const n = BigInt(observationsPerUnit);
	const values = unitSums.map((value) => BigInt(value));
	const sum = (of: readonly bigint[]) => of.reduce((total, value) => total + value, 0n);
	return {
		units: values.length,
		sumY: sum(values),
		sumN: n * BigInt(values.length),
		sumYY: sum(values.map((value) => value * value)),
		sumNN: n * n * BigInt(values.length),
		sumYN: sum(values.map((value) => value * n)),
		scale,
		sumOfSquares: sum(values.map((value) => value * value)),
		...{ winsorized: null, covariate: null, cacheHits: null, cells: null },
	};
}

/** Totals of units first exposed on one day; metrics that are not given have no observation. */
export function totalsOf(
	arms: Readonly<Record<string, Readonly<Record<string, MetricSums | number>> & { readonly units: number }>>,
	excludedUnits = 0,
): MetricTotals {
	return {
		excludedUnits,
		immatureUnits: 0,
		newestCallAt: new Date("2026-11-20T10:00:00Z"),
		newestEventAt: null,
		arms: Object.entries(arms).map(([variant, { units, ...metrics }]) => ({
			variant,
			day: "2026-11-19",
			units,
			calls: units,
			...{ undeliveredCalls: 0, quarantinedCalls: 0, errorTypes: new Map() },
			metrics: metrics as Record<string, MetricSums>,
		})),
	};
}

export function windowsOf(variant: string, windows: Readonly<Record<number, number>>): ViolationWindows {
	return {
		variant,
		windows: Object.entries(windows).map(([window, units]) => ({ window: Number(window), units })),
	};
}
