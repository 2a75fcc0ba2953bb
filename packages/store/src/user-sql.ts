import type { QueryParameters } from "./connection.ts";
import { StoreError } from "./store-error.ts";
import { checkUserSql } from "./user-sql-check.ts";

/** What a question may cost. */
export interface UserSqlLimits {
	/** @default 10_000 */
	maxExecutionMs?: number;
	/** @default 500_000_000 */
	maxMemoryBytes?: number;
	/** Rows that are answered; of more, the first ones. @default 10_000 */
	maxRows?: number;
	/** @default 2 */
	maxThreads?: number;
}

/** A table of answers. Integers of 64 bits and more are texts, as are NaN and infinities. */
export interface UserSqlResult {
	columns: { name: string; type: string }[];
	rows: unknown[][];
	/** There were more than `maxRows`. */
	truncated: boolean;
	elapsedMs: number;
}

/** A connection for one question, thrown away after it. */
export interface UserSqlConnection {
	/** Runs a query under settings that hold for it and, on chDB, for every later one. */
	query<Row>(sql: string, parameters?: QueryParameters): Promise<Row[]>;
	/** Runs a query as `query` does; the answer as the engine writes it. */
	text(sql: string): Promise<string>;
	/** Names, types, then rows, as the engine writes them. @throws {StoreError} SQL_TOO_LARGE when they take more bytes */
	table(sql: string, maxBytes: number): Promise<unknown[][]>;
	/** Gives up what is under way, as far as the engine allows, and lets go of the connection as soon as it can. */
	discard(): void;
}

/** Opens the connection with the settings, none of which a statement may change. */
export type OpenUserSql = (settings: Readonly<Record<string, string>>, timeoutMs: number) => UserSqlConnection;

const DEFAULTS = { maxExecutionMs: 10_000, maxMemoryBytes: 500_000_000, maxRows: 10_000, maxThreads: 2 } as const;
const LARGEST = {
	maxExecutionMs: 600_000,
	maxMemoryBytes: 64_000_000_000,
	maxRows: 1_000_000,
	maxThreads: 64,
} as const;
/** More than anybody types. */
const MAX_STATEMENT_CHARACTERS = 65_536;
/** Of an answer, before it is encoded and as JSON. */
const MAX_ANSWER_BYTES = 16_000_000;
/** Of a statement of ours around a user's: sums by arm and day. */
const MAX_SUMS_BYTES = 64_000_000;
const TOO_WIDE = "armspan: the answer is too large";
/** How long after its time a statement is waited for that does not look at the clock, such as one long expression. */
const GRACE_MS = 2_000;

/** Statements that outlived their time keep running on chDB; more than these would take the machine from everybody. */
const MAX_UNDER_WAY = 2;

/** User SQL of one store: each statement on a connection of its own, a few at a time. */
export class UserSql {
	readonly #open: OpenUserSql;
	#underWay = 0;

	constructor(open: OpenUserSql) {
		this.#open = open;
	}

	/**
	 * Answers one SELECT over the evidence tables.
	 *
	 * Three guards, none of which trusts another: the statement is written anew by the engine and its syntax tree is
	 * checked against lists of what is allowed; it runs read-only under limits that it cannot change; what does not end
	 * is no longer waited for.
	 *
	 * @throws {StoreError} SQL_REFUSED, SQL_FAILED, SQL_LIMIT, SQL_TOO_LARGE beyond 16 MB of answer, SQL_BUSY
	 */
	async run(statement: string, limits: UserSqlLimits = {}): Promise<UserSqlResult> {
		const maxRows = limitOf(limits, "maxRows");
		const startedAt = performance.now();
		const ask = (checked: string, open: Open) => open().table(bounded(checked, maxRows + 1), MAX_ANSWER_BYTES);
		const [names = [], types = [], ...rows] = await this.#ask(statement, limits, MAX_ANSWER_BYTES, ask);
		return {
			columns: names.map((name, index) => ({ name: String(name), type: String(types[index]) })),
			rows: rows.slice(0, maxRows),
			truncated: rows.length > maxRows,
			elapsedMs: Math.round(performance.now() - startedAt),
		};
	}

	/**
	 * Answers a statement of ours that holds a user's SELECT as a subquery, behind the same guards.
	 *
	 * @param around makes it of the SELECT as it was checked
	 * @throws {StoreError} SQL_REFUSED, SQL_FAILED, SQL_LIMIT, SQL_BUSY
	 */
	within<Row>(
		statement: string,
		around: (checked: string) => { readonly sql: string; readonly parameters: QueryParameters },
		limits: UserSqlLimits = {},
	): Promise<Row[]> {
		return this.#ask(statement, limits, MAX_SUMS_BYTES, (checked, open) => {
			const { sql, parameters } = around(checked);
			return open().query<Row>(sql, parameters);
		});
	}

	async #ask<Answer>(
		statement: string,
		limits: UserSqlLimits,
		maxResultBytes: number,
		ask: (checked: string, open: Open) => Promise<Answer>,
	): Promise<Answer> {
		const maxExecutionMs = limitOf(limits, "maxExecutionMs");
		const maxMemoryBytes = limitOf(limits, "maxMemoryBytes");
		if (statement.length > MAX_STATEMENT_CHARACTERS) {
			throw new StoreError(
				"SQL_REFUSED",
				`the statement has ${statement.length} characters; expected at most ${MAX_STATEMENT_CHARACTERS}`,
			);
		}
		if (this.#underWay >= MAX_UNDER_WAY) {
			throw new StoreError("SQL_BUSY", `${this.#underWay} statements are under way; try again when they have ended`);
		}
		this.#underWay++;
		const connections: UserSqlConnection[] = [];
		const settings = settingsOf(maxExecutionMs, maxMemoryBytes, limitOf(limits, "maxThreads"), maxResultBytes);
		const open = () => {
			const connection = this.#open(settings, maxExecutionMs + GRACE_MS);
			connections.push(connection);
			return connection;
		};
		const answered = (async () => ask(await checkUserSql(open(), statement), open))()
			.catch((cause: unknown) => {
				throw failure(cause);
			})
			.finally(() => {
				this.#underWay--;
			});
		let timer: NodeJS.Timeout | undefined;
		try {
			return await Promise.race([
				answered,
				new Promise<never>((_resolve, reject) => {
					timer = setTimeout(() => {
						reject(new StoreError("SQL_LIMIT", `the statement took more than ${maxExecutionMs} ms; narrow it`));
					}, maxExecutionMs + GRACE_MS);
				}),
			]);
		} finally {
			clearTimeout(timer);
			// Whoever lost the race has nobody left to tell.
			answered.catch(() => undefined);
			for (const connection of connections) connection.discard();
		}
	}
}

/** Opens a connection with the settings that limit it. */
type Open = () => UserSqlConnection;

/**
 * The first rows of the statement, up to the bytes of an answer. The engine itself counts what it answers by blocks, takes
 * a constant column for one row, and would have encoded a cell of 100 MB before anybody sees it.
 */
function bounded(checked: string, rows: number): string {
	// numbered, since a window loses the order that the statement asked for
	return `SELECT * EXCEPT (armspan_bytes, armspan_row) FROM
(
    SELECT *, sum(byteSize(*)) OVER (ORDER BY armspan_row ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS armspan_bytes
    FROM (SELECT *, rowNumberInAllBlocks() AS armspan_row FROM (SELECT * FROM (${checked}) LIMIT ${rows}))
)
WHERE throwIf(armspan_bytes > ${MAX_ANSWER_BYTES}, '${TOO_WIDE}') = 0
ORDER BY armspan_row`;
}

function limitOf(limits: UserSqlLimits, name: keyof typeof DEFAULTS): number {
	const value = limits[name] ?? DEFAULTS[name];
	if (Number.isInteger(value) && value >= 1 && value <= LARGEST[name]) return value;
	throw new StoreError("SQL_REFUSED", `invalid ${name}: ${value}; expected an integer from 1 to ${LARGEST[name]}`);
}

function settingsOf(
	maxExecutionMs: number,
	maxMemoryBytes: number,
	maxThreads: number,
	maxResultBytes: number,
): Record<string, string> {
	return {
		max_execution_time: String(maxExecutionMs / 1000),
		max_memory_usage: String(maxMemoryBytes),
		max_threads: String(maxThreads),
		// A spilled sort or GROUP BY would fill the disk of the evidence instead of the memory.
		max_bytes_before_external_group_by: "0",
		max_bytes_ratio_before_external_group_by: "0",
		max_bytes_before_external_sort: "0",
		max_bytes_ratio_before_external_sort: "0",
		max_result_bytes: String(maxResultBytes),
		result_overflow_mode: "throw",
		max_ast_elements: "20000",
		// One array of more is sorted for minutes without a look at the clock.
		function_range_max_elements_in_block: "10000000",
		output_format_json_quote_64bit_integers: "1",
		output_format_json_quote_denormals: "1",
		// Last: nothing can be set after it.
		readonly: "1",
	};
}

const LIMIT_MESSAGES =
	/timeout exceeded|memory limit|too big AST|estimated query execution time|TIMEOUT_EXCEEDED|MEMORY_LIMIT/i;

function failure(cause: unknown): StoreError {
	if (cause instanceof StoreError) return cause;
	const message = cause instanceof Error ? cause.message : String(cause);
	if (message.includes(TOO_WIDE) || /limit for result exceeded/i.test(message))
		return tooLarge(MAX_ANSWER_BYTES, cause);
	const [code, prefix] = LIMIT_MESSAGES.test(message)
		? (["SQL_LIMIT", "the statement met a limit"] as const)
		: (["SQL_FAILED", "the statement failed"] as const);
	return new StoreError(code, `${prefix}: ${message.slice(0, 1000).trim()}`, {}, { cause });
}

export function tooLarge(maxBytes: number, cause?: unknown): StoreError {
	const message = `the answer is larger than ${maxBytes / 1_000_000} MB; ask for fewer rows or columns, or for parts of long texts`;
	return new StoreError("SQL_TOO_LARGE", message, { maxBytes }, { cause });
}
