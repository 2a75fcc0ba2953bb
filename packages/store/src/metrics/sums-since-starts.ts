import { type MetricDefinition, metricScale } from "@armspan/schema";
import { closedParameter, microsOfDate, type Query, untilRevisionParameter } from "../queries/query.ts";
import type { EvidenceKey, RatioMoments } from "../store.ts";
import { sumsSinceStartsSql } from "./sums-since-starts-sql.ts";

export interface SumsSinceStartsRequest extends EvidenceKey {
	/** Means, ratios and proportions of calls and events; covariates are not looked at. */
	readonly metrics: readonly MetricDefinition[];
	/** Distinct. */
	readonly starts: readonly Date[];
	/** Of the look; what is dated later does not count. */
	readonly asOf: Date;
}

/** Sums over the units of one arm with what they did since a start, and nothing from before. */
export interface SumsSinceStart {
	readonly start: Date;
	readonly variant: string;
	/** By metric key. */
	readonly metrics: Record<string, RatioMoments>;
}

interface Row {
	arm: string;
	start: string;
	[column: `metric_${number}`]: string[];
}

type Sums = [units: bigint, sumY: bigint, sumN: bigint, sumYY: bigint, sumNN: bigint, sumYN: bigint];
const NONE: Sums = [0n, 0n, 0n, 0n, 0n, 0n];

/**
 * Exact, for every start and every arm that has a row since the first one. Within a start a unit is one unit, with all it
 * did since; a unit with rows in two variants since the first start is left out.
 */
export async function sumsSinceStarts(query: Query, request: SumsSinceStartsRequest): Promise<SumsSinceStart[]> {
	const starts = request.starts.toSorted((a, b) => a.getTime() - b.getTime());
	const [first] = starts;
	if (first === undefined || request.metrics.length === 0) return [];
	const metrics = request.metrics.map(({ covariateDays: _, ...metric }) => metric);
	const { sql, parameters, plans } = sumsSinceStartsSql(metrics);
	const rows = await query<Row>(sql, {
		...parameters,
		experiment: request.experiment,
		iteration: request.iteration,
		environment: request.environment ?? "",
		until_revision: untilRevisionParameter(request.untilRevision),
		closed_us: closedParameter(request.closedAt),
		starts: starts.map(microsOfDate),
		first_us: microsOfDate(first),
		last_us: microsOfDate(request.asOf),
	});
	const added = new Map(rows.map((row) => [`${row.start} ${row.arm}`, row]));
	const arms = [...new Set(rows.map(({ arm }) => arm))];
	return arms.flatMap((variant) => {
		const sums = plans.map(() => NONE);
		return starts
			.toReversed()
			.map((start): SumsSinceStart => {
				const row = added.get(`${microsOfDate(start)} ${variant}`);
				plans.forEach((_, index) => {
					const more = row?.[`metric_${index}`] ?? [];
					sums[index] = (sums[index] ?? NONE).map((sum, at) => sum + BigInt(more[at] ?? 0)) as Sums;
				});
				return {
					...{ start, variant },
					metrics: Object.fromEntries(
						plans.map(({ metric }, index) => [metric.key, momentsOf(sums[index] ?? NONE, metricScale(metric))]),
					),
				};
			})
			.toReversed();
	});
}

function momentsOf([units, sumY, sumN, sumYY, sumNN, sumYN]: Sums, scale: number): RatioMoments {
	return { units: Number(units), sumY, sumN, sumYY, sumNN, sumYN, scale };
}
