import type { Query } from "../queries/query.ts";
import { type VersionTotalsRequest, versionParameters } from "./metric-totals.ts";
import { versionOverlapSql } from "./metric-totals-sql.ts";

/** Sums of products over units with both versions: of the first one's Y and N with the second one's. */
export interface OverlapMoments {
	readonly sumYY: bigint;
	readonly sumYN: bigint;
	readonly sumNY: bigint;
	readonly sumNN: bigint;
}

/** Units that used both of two versions; `versionTotals` counts them in each. */
export interface VersionOverlap {
	readonly units: number;
	/** By metric key; not of quantiles. */
	readonly metrics: Readonly<Record<string, OverlapMoments>>;
}

type Row = { units: string } & Record<`metric_${number}`, string[]>;

/** @param request with two versions */
export async function versionOverlap(query: Query, request: VersionTotalsRequest): Promise<VersionOverlap> {
	const metrics = request.metrics
		.filter(({ source, kind }) => source !== "sql" && kind !== "quantile")
		.map(({ covariateDays: _, ...metric }) => metric);
	const { sql, parameters, plans } = versionOverlapSql(metrics);
	const [row] = await query<Row>(sql, { ...parameters, ...versionParameters(request) });
	return {
		units: Number(row?.units ?? 0),
		metrics: Object.fromEntries(
			plans.map(({ metric }, index) => {
				const [sumYY = 0n, sumYN = 0n, sumNY = 0n, sumNN = 0n] = (row?.[`metric_${index}`] ?? []).map(BigInt);
				return [metric.key, { sumYY, sumYN, sumNY, sumNN }];
			}),
		),
	};
}
