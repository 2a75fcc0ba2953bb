import { createHash, randomBytes, randomUUID } from "node:crypto";
import type { Connection } from "./connection.ts";
import {
	EVIDENCE_TABLES,
	LANDING_TABLES,
	type LandingTable,
	landingRowHash,
	UNIT_OF_ROW,
} from "./forgettable-tables.ts";
import {
	chunks,
	countMentions,
	type RowHashes,
	rowsOfTraces,
	rowsThatMention,
	sharedTraces,
	tracesOfUnit,
} from "./landing-rows-of-unit.ts";
import { LOCAL_SUFFIX, onCluster } from "./migration-sql.ts";
import type { ClusterOptions } from "./store.ts";
import { StoreError } from "./store-error.ts";
import {
	count,
	type Mention,
	mentions,
	type TextColumns,
	textColumns,
	type UnitSearch,
	unitSearch,
} from "./unit-search.ts";
import { forgetSeals } from "./unit-sums/seal-unit-sums.ts";

/** Hashes in one statement: half of ClickHouse's limit on the length of a statement. */
const HASHES_PER_STATEMENT = 3_000;
/** As the router's: longer ids are no units, and no evidence. */
const MAX_ID_LENGTH = 1_000;
/** Rows outside of the unit's traces that go without being asked for. */
const MAX_MENTIONS = 1_000;

export interface ForgetUnitOptions {
	/** The unit's id as the application gives it and, where ids leave it hashed, as HMAC. */
	unitIds: readonly string[];
	/** Who asked, for the audit row. */
	actor: string;
	/** Counts what would be erased, mentions in whatever number included, and changes nothing. @default false */
	dryRun?: boolean;
	/**
	 * Whether rows of no unit that mention this one outside of its traces are erased, too. When left out they are, unless
	 * they are more than 1,000: then nothing is erased.
	 */
	everywhere?: boolean;
}

export interface ForgottenUnit {
	/** Of the audit row; `null` of a dry run. */
	id: string | null;
	/** `null` of a dry run. */
	erasedAt: Date | null;
	/** Rows by table: landing rows as delivered, evidence once each. Of a dry run, what would be. */
	erased: Record<string, number>;
	/** Rows of no unit outside of the unit's traces that mention it, by table. */
	outside: Record<string, number>;
	/** Where the id still stands, by table and column: rows of others that mention it, or rows that came meanwhile. */
	remaining: Mention[];
}

/**
 * Erases a unit from evidence and landing tables, looks whether anything is left, and records that it was done.
 * Rows that belong to another unit are never erased.
 *
 * Mutations are kept by ClickHouse with their text, so none of them names the unit: its rows are found by a hash of
 * it, others by hashes of rows that were looked up before. Cut off anywhere, it is completed by running it again: what
 * names the unit, and so leads to the rest, goes last.
 * @throws {StoreError} FORGET_INVALID, FORGET_TOO_WIDE when more rows mention the unit than may go unasked, QUERY_FAILED
 */
export async function forgetUnit(
	connection: Connection,
	{ unitIds, actor, dryRun = false, everywhere }: ForgetUnitOptions,
	cluster?: ClusterOptions,
): Promise<ForgottenUnit> {
	const ids = [...new Set(unitIds)];
	if (ids.length === 0 || ids.some((id) => id === "" || id.length > MAX_ID_LENGTH)) {
		throw new StoreError(
			"FORGET_INVALID",
			`invalid unit: expected ids of 1 to ${MAX_ID_LENGTH} characters; what is longer is no unit, and no evidence of it is kept`,
		);
	}
	const search = unitSearch(ids);
	const columns = await textColumns(connection, cluster);
	const traceIds = await tracesOfUnit(connection, search);
	const outside = await mentionsOutside(connection, columns, search, traceIds);
	if (everywhere === undefined && !dryRun) refuseWide(outside);
	const found = await rowsOfUnit(connection, columns, search, traceIds, everywhere !== false);
	if (dryRun) {
		const erased: Record<string, number> = {};
		for (const { table, rows } of found) countIn(erased, table, rows);
		const remaining = await mentions(connection, columns, search, (table) => ofOthers(table, everywhere === false));
		return { id: null, erasedAt: null, erased, outside, remaining };
	}

	const erased: Record<string, number> = {};
	try {
		for (const { table, rows, conditions } of found) {
			for (const condition of rows === 0 ? [] : conditions) {
				const local = cluster === undefined ? "" : LOCAL_SUFFIX;
				await connection.command(
					`ALTER TABLE ${table}${local}${onCluster(cluster)} DELETE WHERE ${condition} SETTINGS mutations_sync = 2`,
				);
			}
			countIn(erased, table, rows);
		}
		await forgetSeals(connection, cluster);
		const remaining = await mentions(connection, columns, search);
		const done = { id: randomUUID(), erasedAt: new Date(), erased, outside, remaining };
		await record(connection, done, ids[0] ?? "", actor);
		// A seal that was under way is not completed after the record, and is gone with this if it was before.
		await forgetSeals(connection, cluster);
		return done;
	} catch (cause) {
		const why = cause instanceof Error ? cause.message : String(cause);
		const message = `the unit may be erased in part only: ${why}; forget it again, which goes on from here`;
		throw new StoreError("QUERY_FAILED", message, {}, { cause });
	}
}

/** Rows of one table, and the conditions under which statements delete them. */
interface RowsToErase {
	table: string;
	rows: number;
	conditions: string[];
}

/** In the order in which they have to go: what names the unit leads to the rest, and is last. */
async function rowsOfUnit(
	connection: Connection,
	columns: TextColumns,
	search: UnitSearch,
	traceIds: readonly string[],
	withMentions: boolean,
): Promise<RowsToErase[]> {
	const { ids } = search;
	const found: RowsToErase[] = [];
	for (const table of LANDING_TABLES) {
		const hashes = new Map([
			...(await rowsOfTraces(connection, table, traceIds)),
			...(withMentions ? await rowsThatMention(connection, table, columns, search) : []),
		]);
		found.push({ table, ...byHash(table, hashes) });
	}
	const shared = await sharedTraces(connection, search, traceIds);
	for (const traces of chunks(
		traceIds.filter((id) => !shared.has(id)),
		HASHES_PER_STATEMENT,
	)) {
		const table = "otel_traces_trace_id_ts";
		const rows = await count(connection, table, "TraceId IN {traces:Array(String)}", { traces });
		found.push({ table, rows, conditions: [digestIn("TraceId", traces)] });
	}
	for (const table of EVIDENCE_TABLES) {
		const rows = await count(connection, `${table} FINAL`, "unit_id IN {ids:Array(String)}", { ids });
		found.push({ table, rows, conditions: [digestIn("unit_id", ids)] });
	}
	for (const table of LANDING_TABLES) {
		const unit = UNIT_OF_ROW[table];
		const rows = await count(connection, table, `${unit} IN {ids:Array(String)}`, { ids });
		found.push({ table, rows, conditions: [digestIn(unit, ids)] });
	}
	return found;
}

function countIn(erased: Record<string, number>, table: string, rows: number): void {
	if (rows > 0) erased[table] = (erased[table] ?? 0) + rows;
}

function byHash(table: LandingTable, hashes: RowHashes): Omit<RowsToErase, "table"> {
	return {
		rows: [...hashes.values()].reduce((sum, rows) => sum + rows, 0),
		conditions: chunks([...hashes.keys()], HASHES_PER_STATEMENT).map(
			// a row of somebody with the same time, trace and span is not meant
			(some) => `${UNIT_OF_ROW[table]} = '' AND ${landingRowHash(table)} IN (${some.map(quoted).join(", ")})`,
		),
	};
}

function digestIn(column: string, values: readonly string[]): string {
	return `lower(hex(SHA256(${column}))) IN (${values.map((value) => quoted(sha256(value))).join(", ")})`;
}

const quoted = (hex: string) => `'${hex}'`;

async function mentionsOutside(
	connection: Connection,
	columns: TextColumns,
	search: UnitSearch,
	traceIds: readonly string[],
): Promise<Record<string, number>> {
	const outside: Record<string, number> = {};
	for (const table of LANDING_TABLES) {
		const rows = await countMentions(connection, table, columns, search, traceIds);
		if (rows > 0) outside[table] = rows;
	}
	return outside;
}

function refuseWide(outside: Readonly<Record<string, number>>): void {
	const rows = Object.values(outside).reduce((sum, rows) => sum + rows, 0);
	if (rows <= MAX_MENTIONS) return;
	const where = Object.entries(outside).map(([table, rows]) => `${rows} of ${table}`);
	throw new StoreError(
		"FORGET_TOO_WIDE",
		`nothing was erased: the id also stands in ${rows} rows outside of the unit's traces that name no unit (${where.join(", ")}), and at most ${MAX_MENTIONS} go unasked; erase them, too, with everywhere: true (--everywhere), or leave them with everywhere: false (--no-everywhere)`,
		{ rows, ...outside },
	);
}

/** Rows that a dry run expects to be left; of sums per unit none are. */
function ofOthers(table: string, keepsMentions: boolean): string | undefined {
	const landing = LANDING_TABLES.find((name) => name === table);
	if (landing !== undefined) {
		const unit = UNIT_OF_ROW[landing];
		return `${keepsMentions ? "" : `${unit} != '' AND `}${unit} NOT IN {ids:Array(String)}`;
	}
	if (table === "unit_sums") return undefined;
	return EVIDENCE_TABLES.some((name) => name === table) ? "unit_id NOT IN {ids:Array(String)}" : "true";
}

/** Who knows the unit can find the row again; who reads the row cannot find the unit without guessing it. */
async function record(
	connection: Connection,
	done: ForgottenUnit & { erasedAt: Date },
	unitId: string,
	actor: string,
): Promise<void> {
	const salt = randomBytes(16).toString("hex");
	const sum = (counts: readonly number[]) => counts.reduce((total, rows) => total + rows, 0);
	await connection.insert({
		table: "erasures",
		columns: ["id", "erased_at", "salt", "unit_hash", "actor", "erased_rows", "remaining_rows"],
		body: Buffer.from(
			`${JSON.stringify([
				...[done.id, String(done.erasedAt.getTime()), salt, sha256(`${salt}:${unitId}`), actor],
				...[sum(Object.values(done.erased)), sum(done.remaining.map(({ rows }) => rows))],
			])}\n`,
		),
	});
}

function sha256(text: string): string {
	return createHash("sha256").update(text, "utf8").digest("hex");
}
