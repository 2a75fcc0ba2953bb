import { createHash } from "node:crypto";
import type { MeasuredMetrics } from "../metrics/metric-totals-sql.ts";
import { closedParameter, type Query } from "../queries/query.ts";
import type { EvidenceKey } from "../store.ts";

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
    AND unit_seals.until_us <= {closed_us:Int64}
ORDER BY sealed_at DESC, seal
LIMIT 1
SETTINGS max_execution_time = 10`,
		{ experiment, iteration, needed, closed_us: closedParameter(closedAt) },
	);
	if (row === undefined) return null;
	const { seal, until_us: untilUs, arrived_until: arrivedUntil, units, measures } = row;
	return { seal, units, untilUs, arrivedUntil: Number(arrivedUntil), positions: new Map(positionsOf(measures)) };
}

/** Array of a unit's row in which a measure stands. */
type SealedArray = "call_sums" | "event_sums" | "errors" | "cells";

export interface SealedMeasure {
	readonly table: "calls" | "events";
	/** Its column in a statement over the same metrics. */
	readonly name: string;
	readonly sql: string;
	readonly array: SealedArray;
	/** The same for equal measures, whatever they are named and in whatever set of metrics they stand. */
	readonly identity: string;
}

/** What a seal holds of metrics; nothing of before the first exposure. */
export function sealedMeasures({ measures }: MeasuredMetrics): SealedMeasure[] {
	const { parameters } = measures.conditions;
	return (["calls", "events"] as const).flatMap((table) =>
		measures.of(table).map(({ name, sql, type }) => {
			const array =
				type === "Array(Int64)"
					? "cells"
					: type === "Array(String)"
						? "errors"
						: table === "calls"
							? "call_sums"
							: "event_sums";
			const said = sql.replace(/\{(metric_\d+):[^}]*\}/g, (_, parameter: string) =>
				JSON.stringify(parameters[parameter] ?? null),
			);
			const digest = createHash("sha256").update(`${table} ${said}`).digest("hex");
			return { table, name, sql, array, identity: `${array} ${digest.slice(0, 32)}` } as const;
		}),
	);
}

/** Measures stand in their array in the order in which the seal names them. */
function positionsOf(identities: readonly string[]): [string, number][] {
	const lengths = new Map<string, number>();
	return identities.map((identity) => {
		const [array = ""] = identity.split(" ");
		const position = (lengths.get(array) ?? 0) + 1;
		lengths.set(array, position);
		return [identity, position];
	});
}
