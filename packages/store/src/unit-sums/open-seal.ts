import { ITERATION, type ROW_US, timeOf } from "../metrics/evidence-sql.ts";
import { type Query, untilRevisionParameter } from "../queries/query.ts";
import type { EvidenceKey } from "../store.ts";
import type { Seal } from "./seal.ts";
import { sinceSeal } from "./seal-sql.ts";

/** A seal, and what beside it has to be read. */
export interface OpenSeal extends Seal {
	/**
	 * Units whose sums do not hold: a row from before the seal came late, or what is asked leaves out a part of what was
	 * summed, by its environment or its revision.
	 */
	readonly stale: readonly string[];
	/** Whether there is any row since the seal, or any stale unit. */
	readonly isOpen: boolean;
}

/** Beyond, the ids would be too much for a request, and their rows most of the table. */
const MOST_STALE = 2000;
const MOST_STALE_CHARACTERS = 200_000;
const TABLES = ["calls", "exposures", "evaluations"] as const satisfies readonly (keyof typeof ROW_US)[];

/** What has to be read beside a seal; `null` when it is so much that the seal saves nothing, or sums are missing. */
export async function openSeal(query: Query, key: EvidenceKey, seal: Seal): Promise<OpenSeal | null> {
	const rows = `${ITERATION} AND unit_id != ''`;
	const late = (table: (typeof TABLES)[number]) =>
		`SELECT unit_id FROM ${table} WHERE ${rows} AND arrived_at >= fromUnixTimestamp(toInt64({arrived_until:UInt32})) AND ${timeOf(table)} < {until_us:Int64}`;
	const since = (table: (typeof TABLES)[number]) =>
		`(SELECT 1 FROM (SELECT 1 FROM ${table} WHERE ${rows} AND ${sinceSeal(table)} LIMIT 1))`;
	const [found] = await query<{ stale: string[]; is_open: boolean; units: string }>(
		`SELECT
    (
        SELECT groupArray(unit_id) FROM
        (
            SELECT DISTINCT unit_id FROM
            (
                SELECT unit_id FROM unit_sums WHERE seal = {seal:String} AND (environments_seen > 1 OR highest_revision > {until_revision:UInt64})
                UNION ALL ${TABLES.map(late).join("\n                UNION ALL ")}
            )
            LIMIT ${MOST_STALE + 1}
        )
    ) AS stale,
    (SELECT toString(count()) FROM unit_sums WHERE seal = {seal:String}) AS units,
    toBool(${TABLES.map((table) => `ifNull(${since(table)}, 0)`).join(" OR ")}) AS is_open
SETTINGS max_execution_time = 60`,
		{
			...{ experiment: key.experiment, iteration: key.iteration },
			...{ seal: seal.seal, until_us: seal.untilUs, arrived_until: seal.arrivedUntil },
			until_revision: untilRevisionParameter(key.untilRevision),
		},
	);
	// dropped in part: on a cluster whose nodes are told by themselves, an erasure is not everywhere at once
	if (found?.units !== seal.units) return null;
	const { stale } = found;
	const characters = stale.reduce((sum, unit) => sum + unit.length, 0);
	if (stale.length > MOST_STALE || characters > MOST_STALE_CHARACTERS) return null;
	return { ...seal, stale, isOpen: stale.length > 0 || found.is_open };
}
