import { type QuantileEvidence, quantileRanks } from "../quantile-estimate.ts";
import { ratioSumsOf } from "./ratio-sums-of.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** What a database would return for these observations, one list per unit. */
export function quantileEvidenceOf(units: readonly (readonly number[])[], level: number): QuantileEvidence {
	const sorted = Float64Array.from(units.flat()).sort();
	const ranks = quantileRanks(sorted.length, level);
	if ("kind" in ranks) throw new Error(ranks.message);
	const at = sorted[ranks.at - 1]!;
	return {
		orderStatistics: { lower: sorted[ranks.lower - 1]!, at, upper: sorted[ranks.upper - 1]! },
		below: ratioSumsOf(units.map((values) => [values.filter((value) => value <= at).length, values.length])),
	};
}

/** Log-normal latencies: `callsOf` calls a unit, a share `icc` of the log variance between units. */
export function latencies(random: SeededRandom, units: number, icc: number, callsOf: () => number) {
	return Array.from({ length: units }, () => {
		const level = Math.sqrt(icc) * random.normal();
		return Array.from({ length: callsOf() }, () => Math.exp(5 + level + Math.sqrt(1 - icc) * random.normal()));
	});
}
