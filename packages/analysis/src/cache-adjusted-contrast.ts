import { type Contrast, type CovariateSums, type NotEstimable, notEstimable } from "@armspan/stats";

/** Difference of two arms at one share of cache hits. */
export interface CacheAdjustedContrast {
	readonly contrast: Contrast;
	/** Share of the observations that were cache hits. */
	readonly hitShares: { readonly control: number; readonly treatment: number; readonly pooled: number };
	/** Without adjustment. */
	readonly unadjustedDifference: number;
}

/** Observations that each arm must have among the hits, and among the others. */
const MINIMUM_OBSERVATIONS = 50;

/** Coefficients of a unit's (y, n, x, w) in a linearised estimate. */
type Coefficients = readonly [y: number, n: number, x: number, w: number];

interface Arm {
	readonly units: number;
	readonly observations: number;
	readonly hits: number;
	readonly others: number;
	/** Means of one observation among hits and among the others, in stored integers. */
	readonly ofHits: number;
	readonly ofOthers: number;
	readonly mean: number;
	/** k·Σab − Σa·Σb over the k units, for a and b of (y, n, x, w). */
	readonly products: readonly (readonly number[])[];
}

/**
 * Difference between two arms within cache hits and within the other calls, weighted by the share π of hits in both arms
 * together (direct standardization): Δ = π·(X_T/W_T − X_C/W_C) + (1 − π)·((Y−X)_T/(N−W)_T − (Y−X)_C/(N−W)_C).
 *
 * The variance is between units, by linearising all of it, π included. A hit comes after assignment, so Δ is an effect
 * of the prompt only where the arm does not decide which calls are hits.
 *
 * @param control Y, N of all observations, X, W of those that were cache hits; exact integers
 * @returns not-estimable `too-few-observations` where hits or others are rare in an arm
 * @see Deming 2011, Data Reduction with the Delta Method; Keiding, Clayton 2014, Statist. Sci. 29 — standardization
 */
export function cacheAdjustedContrast(
	controlSums: CovariateSums<bigint>,
	treatmentSums: CovariateSums<bigint>,
	{ scale }: { readonly scale: number },
): CacheAdjustedContrast | NotEstimable {
	const [control, treatment] = [armOf(controlSums), armOf(treatmentSums)];
	const fewest = Math.min(...[control, treatment].flatMap(({ hits, others }) => [hits, others]));
	if (fewest < MINIMUM_OBSERVATIONS) {
		return notEstimable(
			"too-few-observations",
			`One arm has ${fewest} cache hits, or other calls; ${MINIMUM_OBSERVATIONS} of each are needed in both.`,
		);
	}
	const observations = control.observations + treatment.observations;
	const pooled = (control.hits + treatment.hits) / observations;
	const [hitGap, otherGap] = [treatment.ofHits - control.ofHits, treatment.ofOthers - control.ofOthers];
	const difference = pooled * hitGap + (1 - pooled) * otherGap;
	// What a unit adds to π moves the estimate by the gap between hits and others.
	const share = (gap: number): Coefficients => [0, (-gap * pooled) / observations, 0, gap / observations];
	const ofDifference = share(hitGap - otherGap);
	const ofBaseline = share(control.ofHits - control.ofOthers);
	const ofControl = standardized(control, pooled);
	const ofTreatment = standardized(treatment, pooled);
	const differences = [plus(ofDifference, ofControl, -1), plus(ofDifference, ofTreatment, 1)] as const;
	const baselines = [plus(ofBaseline, ofControl, 1), ofBaseline] as const;
	const arms = [control, treatment] as const;
	const parts = arms.map((arm, index) => covariance(arm, differences[index]!, differences[index]!));
	const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
	const variance = sum(parts);
	if (!(variance > 0)) return notEstimable("no-variation", "No unit differs from another within its arm.");
	const square = scale * scale;
	return {
		hitShares: {
			control: control.hits / control.observations,
			treatment: treatment.hits / treatment.observations,
			pooled,
		},
		unadjustedDifference: (treatment.mean - control.mean) / scale,
		contrast: {
			kind: "estimated",
			difference: difference / scale,
			variance: variance / square,
			degreesOfFreedom:
				(variance * variance) / sum(arms.map(({ units }, index) => (parts[index]! * parts[index]!) / (units - 1))),
			baseline: {
				value: (pooled * control.ofHits + (1 - pooled) * control.ofOthers) / scale,
				variance: sum(arms.map((arm, index) => covariance(arm, baselines[index]!, baselines[index]!))) / square,
			},
			covarianceWithBaseline:
				sum(arms.map((arm, index) => covariance(arm, differences[index]!, baselines[index]!))) / square,
			controlUnits: control.units,
			treatmentUnits: treatment.units,
		},
	};
}

function armOf(sums: CovariateSums<bigint>): Arm {
	const { units, sumY, sumN, sumX, sumW } = sums;
	const first = [sumY, sumN, sumX, sumW];
	const second = [
		[sums.sumYY, sums.sumYN, sums.sumYX, sums.sumYW],
		[sums.sumYN, sums.sumNN, sums.sumNX, sums.sumNW],
		[sums.sumYX, sums.sumNX, sums.sumXX, sums.sumXW],
		[sums.sumYW, sums.sumNW, sums.sumXW, sums.sumWW],
	];
	return {
		units: Number(units),
		observations: Number(sumN),
		hits: Number(sumW),
		others: Number(sumN - sumW),
		ofHits: Number(sumX) / Number(sumW),
		ofOthers: Number(sumY - sumX) / Number(sumN - sumW),
		mean: Number(sumY) / Number(sumN),
		// Exact before anything is rounded: the differences are much smaller than their terms.
		products: second.map((row, a) => row.map((sum, b) => Number(units * sum - first[a]! * first[b]!))),
	};
}

/** Of π·X/W + (1 − π)·(Y − X)/(N − W), π held. */
function standardized({ hits, others, ofHits, ofOthers }: Arm, share: number): Coefficients {
	const [perHit, perOther] = [share / hits, (1 - share) / others];
	return [perOther, -perOther * ofOthers, perHit - perOther, perOther * ofOthers - perHit * ofHits];
}

function plus(left: Coefficients, right: Coefficients, sign: 1 | -1): Coefficients {
	return left.map((value, index) => value + sign * right[index]!) as unknown as Coefficients;
}

/** Of two sums over the arm's units, each of linear terms, between units that are drawn independently. */
function covariance({ units, products }: Arm, left: Coefficients, right: Coefficients): number {
	let sum = 0;
	for (let a = 0; a < 4; a += 1) {
		for (let b = 0; b < 4; b += 1) sum += left[a]! * right[b]! * products[a]![b]!;
	}
	return sum / (units - 1);
}
