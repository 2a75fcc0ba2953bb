import { normalUpperTail } from "./normal-tail.ts";

/**
 * Sub-density of the z-score of a test that has not stopped yet, as masses on a grid: what the recursive integration
 * of Armitage, McPherson and Rowe carries from look to look.
 */
export interface ContinuationDensity {
	/** Information I at this look; scores of two looks correlate by √(I_j/I_k). */
	readonly information: number;
	/** Ascending z-scores. */
	readonly points: Float64Array;
	/** Density × quadrature weight at each point. */
	readonly masses: Float64Array;
}

/** Region in which a test goes on, in z-scores. */
export interface ContinuationRegion {
	readonly lower: number;
	readonly upper: number;
}

/** Before the first look: no information, all mass at 0. */
export const BEFORE_FIRST_LOOK: ContinuationDensity = {
	information: 0,
	points: Float64Array.of(0),
	masses: Float64Array.of(1),
};

/** Nodes and weights of Gauss–Legendre quadrature on (−1, 1), of the positive half. */
const NODES = [0.2386191860831969, 0.6612093864662645, 0.932469514203152] as const;
const WEIGHTS = [0.46791393457269104, 0.3607615730481386, 0.17132449237917036] as const;
// Six nodes over one standard deviation of whatever varies fastest leave an error below 1e-10.
const WIDEST_PANEL = 0.75;
// No double sees a normal density beyond so many standard deviations beside the rest.
const EXTENT = 9.5;
// Increments beyond so many standard deviations have no mass that a double could see beside the rest.
const REACH = 9;

/**
 * The density at the next look, of tests that continue there too.
 *
 * @param drift E[z] = drift·√information
 * @param following information of the look after that, which decides how fine the grid must be
 * @see Jennison, Turnbull 2000, Group Sequential Methods, §19.2
 */
export function continueTo(
	density: ContinuationDensity,
	information: number,
	region: ContinuationRegion,
	drift: number,
	following: number | undefined,
): ContinuationDensity {
	const increment = information - density.information;
	const finest = Math.min(increment, (following ?? Number.POSITIVE_INFINITY) - information);
	const panel = Math.min(WIDEST_PANEL, Math.sqrt(finest / information));
	const { points, weights } = gaussGrid(drift * Math.sqrt(information), panel, region);
	const masses = new Float64Array(points.length);
	const scale = Math.sqrt(information / increment);
	const carried = Math.sqrt(density.information / increment);
	const shift = drift * Math.sqrt(increment);
	let first = 0;
	for (let to = 0; to < points.length; to++) {
		const target = points[to]! * scale - shift;
		while (first < density.points.length - 1 && target - density.points[first]! * carried > REACH) first++;
		let sum = 0;
		for (let from = first; from < density.points.length; from++) {
			const distance = target - density.points[from]! * carried;
			if (distance < -REACH) break;
			sum += density.masses[from]! * Math.exp(-(distance * distance) / 2);
		}
		masses[to] = (sum * scale * weights[to]!) / Math.sqrt(2 * Math.PI);
	}
	return { information, points, masses };
}

/** P(no stop before, and z > bound at the look with `information`). */
export function crossAbove(density: ContinuationDensity, information: number, bound: number, drift: number): number {
	return integrate(density, information, bound, drift, (distance) => normalUpperTail(distance));
}

/** P(no stop before, and z < bound at the look with `information`). */
export function crossBelow(density: ContinuationDensity, information: number, bound: number, drift: number): number {
	return integrate(density, information, bound, drift, (distance) => normalUpperTail(-distance));
}

/** Sum over the density of a function of the increment, standardized, that leads to `z`. */
function integrate(
	density: ContinuationDensity,
	information: number,
	z: number,
	drift: number,
	ofIncrement: (distance: number) => number,
): number {
	const increment = information - density.information;
	const target = z * Math.sqrt(information / increment) - drift * Math.sqrt(increment);
	const carried = Math.sqrt(density.information / increment);
	let sum = 0;
	for (let from = 0; from < density.points.length; from++) {
		sum += density.masses[from]! * ofIncrement(target - density.points[from]! * carried);
	}
	return sum;
}

/** Gauss–Legendre panels over the part of the region in which z has any mass. */
function gaussGrid(mean: number, panel: number, region: ContinuationRegion) {
	const lower = Math.max(region.lower, mean - EXTENT);
	const upper = Math.min(region.upper, mean + EXTENT);
	if (!(lower < upper)) return { points: new Float64Array(0), weights: new Float64Array(0) };
	const panels = Math.ceil((upper - lower) / panel);
	const half = (upper - lower) / panels / 2;
	const points = new Float64Array(6 * panels);
	const weights = new Float64Array(6 * panels);
	for (let index = 0; index < panels; index++) {
		const centre = lower + (2 * index + 1) * half;
		NODES.forEach((node, order) => {
			points[6 * index + 2 - order] = centre - half * node;
			points[6 * index + 3 + order] = centre + half * node;
			weights[6 * index + 2 - order] = half * WEIGHTS[order]!;
			weights[6 * index + 3 + order] = half * WEIGHTS[order]!;
		});
	}
	return { points, weights };
}
