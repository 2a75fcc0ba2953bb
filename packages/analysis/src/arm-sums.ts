import type { MetricKey } from "@armspan/schema";
import type { RatioSums } from "@armspan/stats";
import type { VariantTotals } from "@armspan/store";

/** Exact sums of one metric in one variant; zeros where nothing was measured. */
export interface ArmSums {
	readonly sums: RatioSums<bigint>;
	/** Divides the numerators. */
	readonly scale: number;
}

const NOTHING: ArmSums = { sums: { units: 0n, sumY: 0n, sumN: 0n, sumYY: 0n, sumNN: 0n, sumYN: 0n }, scale: 1 };

export function armSums(totals: VariantTotals, variant: string, metric: MetricKey): ArmSums {
	const moments = totals.variants.find((found) => found.variant === variant)?.metrics[metric];
	if (moments === undefined) {
		return NOTHING;
	}
	const { units, scale, sumY, sumN, sumYY, sumNN, sumYN } = moments;
	return { sums: { units: BigInt(units), sumY, sumN, sumYY, sumNN, sumYN }, scale };
}
