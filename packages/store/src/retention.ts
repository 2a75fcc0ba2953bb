import type { Connection } from "./connection.ts";
import { LOCAL_SUFFIX, onCluster } from "./migration-sql.ts";
import type { ClusterOptions } from "./store.ts";
import { StoreError } from "./store-error.ts";

const MS_PER_DAY = 86_400_000;
/** What is lengthened for a running iteration goes by steps, so that the TTL is not set anew every day. */
const STEP_DAYS = 30;
/** Covariates look at most so many days back from a unit's first exposure (`covariateDays` of a metric). */
const SPARE_DAYS = 90;
const MAX_DAYS = 36_500;

export interface RetentionOptions {
	/** Days that landing rows (`otel_*`) are kept; 0 keeps them for ever. */
	landingDays: number;
	/** Days that calls, exposures and evaluations are kept; 0 keeps them for ever. */
	evidenceDays: number;
	/** Start of the oldest running iteration: evidence since 90 days before is kept whatever `evidenceDays` says. */
	keepSince?: Date | undefined;
	now: Date;
}

/** The retention that is in force. */
export interface Retention {
	landingDays: number;
	/** More than was asked for when a running iteration needs it; 0 stands for ever. */
	evidenceDays: number;
	/** For people: what was not done as asked, and why. */
	warnings: string[];
}

/** Expressions that say how old a row is. Landing tables go by whole days, which are their partitions. */
const LANDING_AGE = {
	otel_traces: "toDate(Timestamp)",
	otel_traces_trace_id_ts: "toDate(Start)",
	otel_logs: "toDate(Timestamp)",
};
const EVIDENCE_AGE = { calls: "started_at", exposures: "exposed_at", evaluations: "evaluated_at" };

/**
 * Sets the TTL of every table; tables that have it already are left alone. Rows go when ClickHouse next merges them.
 * A TTL on a landing table that somebody else set, such as the Collector's exporter, stands.
 * @throws {StoreError} RETENTION_INVALID, QUERY_FAILED
 */
export async function setRetention(
	connection: Connection,
	options: RetentionOptions,
	cluster?: ClusterOptions,
): Promise<Retention> {
	const { landingDays, evidenceDays, warnings } = plannedRetention(options);
	const local = cluster === undefined ? "" : LOCAL_SUFFIX;
	const tables = await connection.query<{ name: string; definition: string }>(
		"SELECT name, create_table_query AS definition FROM system.tables WHERE database = currentDatabase()",
	);
	const definitions = new Map(tables.map(({ name, definition }) => [name, definition]));
	const apply = async (table: string, wanted: string | null, isOurs: RegExp) => {
		const present = / TTL (.+?)(?: SETTINGS |$)/s.exec(definitions.get(`${table}${local}`) ?? "")?.[1];
		if (present !== undefined && !isOurs.test(present)) {
			warnings.push(`table ${table} keeps the TTL that somebody else set: ${present}`);
			return;
		}
		if (wanted === null ? present === undefined : present === wanted) {
			return;
		}
		const change = wanted === null ? "REMOVE TTL" : `MODIFY TTL ${wanted}`;
		await connection.command(`ALTER TABLE ${table}${local}${onCluster(cluster)} ${change}`);
	};
	for (const [table, age] of Object.entries(LANDING_AGE)) {
		const wanted = landingDays === 0 ? null : `${age} + toIntervalDay(${landingDays})`;
		await apply(table, wanted, /^toDate\(\w+\) \+ toIntervalDay\(\d+\)$/);
	}
	for (const [table, at] of Object.entries(EVIDENCE_AGE)) {
		// Rows from before 0004 whose time is impossible say nothing of their age.
		const wanted =
			evidenceDays === 0
				? null
				: `toDateTime(ifNull(${at}, toDateTime64(received_at, 6, 'UTC'))) + toIntervalDay(${evidenceDays}) WHERE (${at} IS NOT NULL) OR (received_at > toDateTime(0))`;
		await apply(table, wanted, /./);
	}
	return { landingDays, evidenceDays, warnings };
}

/** What can be kept to: evidence of a running iteration is not deleted under it. */
export function plannedRetention({ landingDays, evidenceDays, keepSince, now }: RetentionOptions): Retention {
	for (const [name, days] of Object.entries({ landingDays, evidenceDays })) {
		if (!Number.isInteger(days) || days < 0 || days > MAX_DAYS) {
			throw new StoreError(
				"RETENTION_INVALID",
				`invalid ${name}: ${days}; expected whole days from 1 to ${MAX_DAYS}, or 0 for ever`,
				{ [name]: days },
			);
		}
	}
	if (keepSince === undefined || evidenceDays === 0) {
		return { landingDays, evidenceDays, warnings: [] };
	}
	const ageDays = Math.max(0, (now.getTime() - keepSince.getTime()) / MS_PER_DAY);
	const neededDays = Math.min(MAX_DAYS, (Math.floor((ageDays + SPARE_DAYS) / STEP_DAYS) + 1) * STEP_DAYS);
	if (neededDays <= evidenceDays) {
		return { landingDays, evidenceDays, warnings: [] };
	}
	return {
		landingDays,
		evidenceDays: neededDays,
		warnings: [
			`evidence is kept ${neededDays} days, not ${evidenceDays}: an iteration that runs since ${keepSince.toISOString().slice(0, 10)} needs it; end that iteration, or ask for more days`,
		],
	};
}
