import type { MeasuredMetrics } from "../metrics/metric-totals-sql.ts";
import { closedParameter, type Query } from "../queries/query.ts";
import type { EvidenceKey } from "../store.ts";
import { positionsOf, sealedMeasures } from "./sealed-measures.ts";
import { unitTerms } from "./unit-terms.ts";

/** Sums of the units of an iteration over all that happened before a moment and had come by then. */
export interface Seal {
	readonly seal: string;
	/** Rows that happened before it are summed; microseconds as text. */
	readonly untilUs: string;
	/** Seconds; what came then or later may be missing from the sums, whenever it happened. */
	readonly arrivedUntil: number;
	/** How many rows its sums have. */
	readonly units: string;
	/** Where in the arrays of a unit a measure stands, from 1; by what is measured. */
	readonly positions: ReadonlyMap<string, number>;
}

/** How long sums are asked: a seal that nobody replaces is not trusted for ever, as evidence also leaves by its TTL. */
const USABLE_HOURS = 36;

/** The newest seal of an iteration that has every measure of the metrics, and nothing from after the evidence was closed. */
export async function findSeal(
	query: Query,
	{ experiment, iteration, closedAt }: EvidenceKey,
	measured: MeasuredMetrics,
): Promise<Seal | null> {
	const needed = sealedMeasures(measured).map(({ identity }) => identity);
	const [row] = await query<{
		seal: string;
		until_us: string;
		arrived_until: string;
		units: string;
		measures: string[];
	}>(
		`SELECT seal, toString(until_us) AS until_us, toString(toUnixTimestamp(arrived_until)) AS arrived_until,
    toString(units) AS units, measures
FROM unit_seals
WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32}
    AND sealed_at > now() - INTERVAL ${USABLE_HOURS} HOUR AND hasAll(measures, {needed:Array(String)})
    AND hasAll(totals, {needed_totals:Array(String)})
    AND unit_seals.until_us <= {closed_us:Int64}
ORDER BY sealed_at DESC, seal
LIMIT 1
SETTINGS max_execution_time = 10`,
		{
			...{ experiment, iteration, closed_us: closedParameter(closedAt) },
			...{ needed, needed_totals: unitTerms(measured).needed },
		},
	);
	if (row === undefined) return null;
	const { seal, until_us: untilUs, arrived_until: arrivedUntil, units, measures } = row;
	return { seal, units, untilUs, arrivedUntil: Number(arrivedUntil), positions: positionsOf(measures) };
}
