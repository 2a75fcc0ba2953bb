import { randomUUID } from "node:crypto";
import type { MetricDefinition } from "@armspan/schema";
import type { Connection } from "../connection.ts";
import { measuredMetrics } from "../metrics/metric-totals-sql.ts";
import { LOCAL_SUFFIX, onCluster } from "../migration-sql.ts";
import type { ClusterOptions } from "../store.ts";
import { sealSql } from "./seal-sql.ts";
import { writeSealTotals } from "./seal-totals.ts";
import { positionsOf, sealedMeasures } from "./sealed-measures.ts";

/** What is summed lies this long back, so that few rows come late. */
const LAG_SECONDS = 1800;
/** An insert takes less: what is stamped as arrived earlier was there when the sums were taken. */
const SETTLED_SECONDS = 900;
const CALLS_AT_ONCE = 4_000_000;
/** Calls by whose units the parts are cut. */
const SAMPLED_CALLS = 1000;
/** A look that has found a seal asks it within this time. */
const GRACE_HOURS = 1;
/** A seal that is not complete by then was cut off. */
const CUT_OFF_HOURS = 12;

export interface SealRequest {
	experiment: string;
	iteration: number;
	metrics: readonly MetricDefinition[];
	/** Sums are of what happened before; half an hour ago when left out. */
	until?: Date;
	/** What arrived before is in the tables for certain; a quarter of an hour ago when left out. */
	arrivedUntil?: Date;
	/** About as many calls are summed at once; 4,000,000 when left out. */
	callsAtOnce?: number;
}

export interface SealedUnits {
	/** `null`: nothing was sealed, as a unit was erased within the last hour, or on a cluster. */
	seal: string | null;
	units: number;
	until: Date;
}

/**
 * Sums the units of an iteration up to a moment, for later looks to start from. Superseded seals are dropped. Safe to be
 * cut off anywhere, and to run twice at once: a seal is seen once it is complete.
 *
 * On a cluster nothing is sealed: a server of ClickHouse 26.7 was seen to end itself over the statement that asks the sums.
 */
export async function sealUnitSums(
	connection: Connection,
	{ experiment, iteration, metrics, until, arrivedUntil, callsAtOnce = CALLS_AT_ONCE }: SealRequest,
	cluster?: ClusterOptions,
): Promise<SealedUnits> {
	const measured = measuredMetrics(
		metrics.filter(({ source }) => source !== "sql"),
		true,
	);
	const key = { experiment, iteration };
	const [start] = await connection.query<{ now: string; rows: string }>(
		`SELECT toString(toUnixTimestamp(now())) AS now, toString(count()) AS rows FROM calls
WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32} SETTINGS max_execution_time = 60`,
		key,
	);
	const now = Number(start?.now);
	const untilUs = until === undefined ? BigInt(now - LAG_SECONDS) * 1_000_000n : BigInt(until.getTime()) * 1000n;
	if (cluster !== undefined) return { seal: null, units: 0, until: new Date(Number(untilUs / 1000n)) };
	const seal = randomUUID();
	const parameters = {
		...key,
		...measured.measures.conditions.parameters,
		seal,
		until_us: String(untilUs),
		sealed_at: now,
	};
	const parts = Math.ceil(Number(start?.rows) / callsAtOnce) || 1;
	const bounds = await unitBounds(connection, key, parts);
	for (const [index, firstUnit] of bounds.entries()) {
		const units = { first_unit: firstUnit, end_unit: bounds[index + 1] ?? "" };
		await connection.command(sealSql(measured), { ...parameters, ...units });
	}
	const measures = sealedMeasures(measured).map(({ identity }) => identity);
	const totals = await writeSealTotals(connection, measured, { seal, positions: positionsOf(measures) }, now);
	// A unit that was erased meanwhile may still be in the sums.
	await connection.command(
		`INSERT INTO unit_seals (seal, experiment, iteration, until_us, arrived_until, sealed_at, units, measures, totals)
SELECT {seal:String}, {experiment:String}, {iteration:UInt32}, {until_us:Int64}, fromUnixTimestamp(toInt64({arrived_until:UInt32})),
    fromUnixTimestamp(toInt64({sealed_at:UInt32})), (SELECT count() FROM unit_sums WHERE seal = {seal:String}), {measures:Array(String)}, {totals:Array(String)}
WHERE (SELECT count() FROM erasures WHERE erased_at > fromUnixTimestamp(toInt64({sealed_at:UInt32})) - INTERVAL 1 HOUR) = 0
SETTINGS max_execution_time = 60, async_insert = 0, distributed_foreground_insert = 1`,
		{
			...{ ...key, seal, until_us: String(untilUs), sealed_at: now },
			arrived_until: arrivedUntil === undefined ? now - SETTLED_SECONDS : Math.floor(arrivedUntil.getTime() / 1000),
			...{ measures, totals },
		},
	);
	const [written] = await connection.query<{ units: string }>(
		"SELECT toString(units) AS units FROM unit_seals WHERE seal = {seal:String} LIMIT 1",
		{ seal },
	);
	await dropSuperseded(connection);
	const units = Number(written?.units ?? 0);
	return { seal: written === undefined ? null : seal, units, until: new Date(Number(untilUs / 1000n)) };
}

/** First units of parts of about equally many calls; "" is before every unit. */
async function unitBounds(
	connection: Connection,
	key: { experiment: string; iteration: number },
	parts: number,
): Promise<string[]> {
	if (parts === 1) return [""];
	const [row] = await connection.query<{ units: string[] }>(
		`SELECT arraySort(groupArraySample(${SAMPLED_CALLS}, 1)(unit_id)) AS units FROM calls
WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32} AND unit_id != ''
SETTINGS max_execution_time = 600, max_threads = 1`,
		key,
	);
	const { units = [] } = row ?? {};
	const bounds = Array.from({ length: parts - 1 }, (_, part) => units[Math.floor((units.length * (part + 1)) / parts)]);
	return [...new Set(["", ...bounds.filter((unit) => unit !== undefined)])];
}

/** Drops seals that a newer one of the same iteration has replaced for a while, and what a cut-off left behind. */
async function dropSuperseded(connection: Connection): Promise<void> {
	const seals = await connection.query<{ seal: string }>(
		`SELECT DISTINCT seal FROM unit_sums
WHERE seal IN
    (
        SELECT old.seal FROM unit_seals AS old INNER JOIN unit_seals AS new ON new.experiment = old.experiment AND new.iteration = old.iteration
        WHERE new.sealed_at > old.sealed_at AND new.completed_at < now() - INTERVAL ${GRACE_HOURS} HOUR
    )
    OR (sealed_at < now() - INTERVAL ${CUT_OFF_HOURS} HOUR AND seal NOT IN (SELECT seal FROM unit_seals))
SETTINGS max_execution_time = 60`,
	);
	for (const { seal } of seals) {
		// of our own making; nothing else becomes part of a statement
		if (!/^[0-9a-f-]{36}$/.test(seal)) continue;
		for (const table of ["unit_sums", "seal_totals"]) {
			await connection.command(`ALTER TABLE ${table} DROP PARTITION '${seal}'`);
		}
	}
}

/** Drops all sums: they are made anew from what evidence is left. */
export async function forgetSeals(connection: Connection, cluster: ClusterOptions | undefined): Promise<void> {
	const local = cluster === undefined ? "" : LOCAL_SUFFIX;
	for (const table of ["unit_seals", "unit_sums", "seal_totals"]) {
		await connection.command(`TRUNCATE TABLE ${table}${local}${onCluster(cluster)}`);
	}
}
