import type { MetricDefinition } from "@armspan/schema";
import {
	type CovariateSums,
	type GridQuantileEvidence,
	type NotEstimable,
	notEstimable,
	type RatioSums,
} from "@armspan/stats";
import { type CovariateMoments, type GridCell, type MetricSums, type MetricTotals, VALUE_GRID } from "@armspan/store";

type ArmTotals = MetricTotals["arms"][number];

/** What is known of the units of one variant: all of them, or those first exposed on one day. */
interface ArmEvidence {
	readonly variant: string;
	readonly units: number;
	readonly calls: number;
	readonly undeliveredCalls: number;
	readonly quarantinedCalls: number;
	readonly errorTypes: ReadonlyMap<string, number>;
	readonly metrics: Readonly<Record<string, MetricSums>>;
}

/** By variant; a variant without units is not in it. */
export type Evidence = ReadonlyMap<string, ArmEvidence>;

/** All days together. Days of first exposure share no unit, so their sums add up. */
export function overallEvidence({ arms }: Pick<MetricTotals, "arms">): Evidence {
	const evidence = new Map<string, ArmEvidence>();
	for (const arm of arms) {
		const known = evidence.get(arm.variant);
		evidence.set(arm.variant, known === undefined ? arm : merged(known, arm));
	}
	return evidence;
}

/** By UTC day of first exposure, oldest first; units without a believable time are in none. */
export function evidenceByDay({ arms }: Pick<MetricTotals, "arms">): Map<string, Evidence> {
	const days = [...new Set(arms.map(({ day }) => day))].filter((day) => day !== "").sort();
	return new Map(days.map((day) => [day, overallEvidence({ arms: arms.filter((arm) => arm.day === day) })]));
}

/** Most calls first; types that as many calls have by their name. */
export function listedErrorTypes(errorTypes: ReadonlyMap<string, number>): { type: string; calls: number }[] {
	return [...errorTypes]
		.map(([type, calls]) => ({ type, calls }))
		.sort((a, b) => b.calls - a.calls || (a.type < b.type ? -1 : 1));
}

function merged(left: ArmEvidence, right: ArmTotals): ArmEvidence {
	const errorTypes = new Map(left.errorTypes);
	for (const [type, calls] of right.errorTypes) errorTypes.set(type, (errorTypes.get(type) ?? 0) + calls);
	return {
		variant: left.variant,
		units: left.units + right.units,
		calls: left.calls + right.calls,
		undeliveredCalls: left.undeliveredCalls + right.undeliveredCalls,
		quarantinedCalls: left.quarantinedCalls + right.quarantinedCalls,
		errorTypes,
		metrics: Object.fromEntries(
			Object.entries(left.metrics).map(([key, sums]) => {
				const other = Object.hasOwn(right.metrics, key) ? right.metrics[key] : undefined;
				return [key, other === undefined ? sums : mergedSums(sums, other)];
			}),
		),
	};
}

function mergedSums(left: MetricSums, right: MetricSums): MetricSums {
	const failure = left.failure ?? right.failure;
	return {
		units: left.units + right.units,
		sumY: left.sumY + right.sumY,
		sumN: left.sumN + right.sumN,
		sumYY: left.sumYY + right.sumYY,
		sumNN: left.sumNN + right.sumNN,
		sumYN: left.sumYN + right.sumYN,
		scale: left.scale,
		sumOfSquares: both(left.sumOfSquares, right.sumOfSquares, (a, b) => a + b),
		winsorized: both(left.winsorized, right.winsorized, (a, b) => ({
			cap: a.cap,
			uncappedSum: a.uncappedSum + b.uncappedSum,
			cappedObservations: a.cappedObservations + b.cappedObservations,
		})),
		covariate: both(left.covariate, right.covariate, mergedMoments),
		cacheHits: both(left.cacheHits, right.cacheHits, mergedMoments),
		cells: both(left.cells, right.cells, mergedCells),
		...(failure === undefined ? {} : { failure }),
	};
}

function mergedMoments(a: CovariateMoments, b: CovariateMoments): CovariateMoments {
	return {
		...{ sumX: a.sumX + b.sumX, sumW: a.sumW + b.sumW, sumXX: a.sumXX + b.sumXX },
		...{ sumWW: a.sumWW + b.sumWW, sumXW: a.sumXW + b.sumXW, sumYX: a.sumYX + b.sumYX },
		...{ sumYW: a.sumYW + b.sumYW, sumNX: a.sumNX + b.sumNX, sumNW: a.sumNW + b.sumNW },
	};
}

function both<Part>(left: Part | null, right: Part | null, merge: (left: Part, right: Part) => Part): Part | null {
	return left === null || right === null ? null : merge(left, right);
}

function mergedCells(left: readonly GridCell[], right: readonly GridCell[]): GridCell[] {
	const cells = new Map<number | null, GridCell>();
	for (const cell of [...left, ...right]) {
		const known = cells.get(cell.upTo);
		cells.set(
			cell.upTo,
			known === undefined
				? cell
				: {
						upTo: cell.upTo,
						count: known.count + cell.count,
						squares: known.squares + cell.squares,
						products: known.products + cell.products,
					},
		);
	}
	return [...cells.values()].sort(
		(a, b) => (a.upTo ?? Number.POSITIVE_INFINITY) - (b.upTo ?? Number.POSITIVE_INFINITY),
	);
}

/** Characters of a failure in a row of results; the warning has more. */
const SHOWN_FAILURE = 160;

const NOTHING: RatioSums<bigint> = { units: 0n, sumY: 0n, sumN: 0n, sumYY: 0n, sumNN: 0n, sumYN: 0n };

/** A metric whose rows could not be read has sums of 0 that say nothing; `undefined` when they could. */
export function sourceFailure(evidence: Evidence, { key }: MetricDefinition): NotEstimable | undefined {
	for (const { metrics } of evidence.values()) {
		const { failure } = metrics[key] ?? {};
		if (failure !== undefined)
			return notEstimable("source-failed", `Its query gave no value: ${failure.slice(0, SHOWN_FAILURE)}`);
	}
	return undefined;
}

/** Sums of one metric in one variant; zeros where nothing was measured. */
export function ratioSums(evidence: Evidence, variant: string, { key }: MetricDefinition): RatioSums<bigint> {
	const sums = evidence.get(variant)?.metrics[key];
	if (sums === undefined) return NOTHING;
	const { units, sumY, sumN, sumYY, sumNN, sumYN } = sums;
	return { units: BigInt(units), sumY, sumN, sumYY, sumNN, sumYN };
}

/** The same with what units did before; `undefined` for a metric without covariate, or an arm without units. */
export function covariateSums(
	evidence: Evidence,
	variant: string,
	metric: MetricDefinition,
): CovariateSums<bigint> | undefined {
	const covariate = evidence.get(variant)?.metrics[metric.key]?.covariate;
	return covariate === null || covariate === undefined
		? undefined
		: { ...ratioSums(evidence, variant, metric), ...covariate };
}

/** The same with the part that the provider's cache served; `undefined` where nobody asked, or an arm has no units. */
export function cacheHitSums(
	evidence: Evidence,
	variant: string,
	metric: MetricDefinition,
): CovariateSums<bigint> | undefined {
	const hits = evidence.get(variant)?.metrics[metric.key]?.cacheHits;
	return hits === null || hits === undefined ? undefined : { ...ratioSums(evidence, variant, metric), ...hits };
}

/** Counts at or below grid values, in the metric's unit: those around which the arm has observations. */
export function gridEvidence(evidence: Evidence, variant: string, metric: MetricDefinition): GridQuantileEvidence {
	const sums = evidence.get(variant)?.metrics[metric.key];
	const all = ratioSums(evidence, variant, metric);
	const cells = new Map((sums?.cells ?? []).map((cell) => [cell.upTo, cell]));
	const reached = VALUE_GRID.flatMap((value, index) => (cells.has(value) ? [index] : []));
	const [first, last] = [reached[0] ?? 0, reached.at(-1) ?? 0];
	// One value before the first observation and one after the last: the others say the same.
	const grid = VALUE_GRID.slice(Math.max(0, first - 1), Math.max(2, last + 2));
	let [count, squares, products] = [0n, 0n, 0n];
	const below = grid.map((value): RatioSums<bigint> => {
		const cell = cells.get(value);
		if (cell !== undefined) {
			[count, squares, products] = [count + cell.count, squares + cell.squares, products + cell.products];
		}
		return { units: all.units, sumY: count, sumN: all.sumN, sumYY: squares, sumNN: all.sumNN, sumYN: products };
	});
	const scale = sums?.scale ?? 1;
	return { grid: grid.map((value) => value / scale), below };
}
