import type { createClient } from "@clickhouse/client";
import { boundStatement } from "./bound-statement.ts";
import type { QueryParameters } from "./connection.ts";
import type { ServerPulse } from "./server-pulse.ts";
import { StoreError } from "./store-error.ts";
import { tooLarge, type UserSqlConnection } from "./user-sql.ts";

type Client = ReturnType<typeof createClient>;
type Result = Awaited<ReturnType<Client["query"]>>;
type Format = "JSONEachRow" | "TabSeparated" | "JSONCompactEachRowWithNamesAndTypes";
type Read<Answer> = (result: Result) => Promise<Answer>;
type Settings = Readonly<Record<string, string>>;

/**
 * A connection to chDB for one question. Its settings stick to it: they are given with the first query, whose
 * `readonly = 1` forbids to change them, and die with it.
 */
export function embeddedUserSql(client: Client, settings: Settings): UserSqlConnection {
	let pending: Settings | undefined = settings;
	const settingsOf = async () => {
		const first = pending;
		pending = undefined;
		return first ?? {};
	};
	return connection(client, settingsOf, (sql, parameters) => ({ query: boundStatement(sql, parameters) }));
}

/**
 * A connection to a server for one question. A user whom the operator made read-only may not set anything: then the
 * limits are those of the user's profile, and one without a time limit is refused.
 */
export function serverUserSql(client: Client, settings: Settings, pulse: ServerPulse): UserSqlConnection {
	let decided: Promise<Settings> | undefined;
	const settingsOf = () => {
		decided ??= decideSettings(client, settings);
		return decided;
	};
	const bind: Bind = (query, parameters) => ({ query, query_params: { ...parameters } });
	return connection(client, settingsOf, bind, (task) => pulse.during(task));
}

async function decideSettings(client: Client, settings: Settings): Promise<Settings> {
	const result = await client.query({
		query:
			"SELECT toString(getSetting('readonly')) AS readonly, toFloat64(getSetting('max_execution_time')) AS seconds",
		format: "JSONEachRow",
	});
	const [row] = (await result.json()) as { readonly: string; seconds: number }[];
	// An abandoned request ends its query.
	const cancelling = { cancel_http_readonly_queries_on_client_close: "1" };
	if (row?.readonly === "0") return { ...cancelling, ...settings };
	if (row?.readonly === "2") {
		const { readonly: _cannotBeSet, ...others } = settings;
		return { ...cancelling, ...others };
	}
	if ((row?.seconds ?? 0) > 0) return {};
	throw new StoreError(
		"SQL_REFUSED",
		"the ClickHouse user is read-only and has no max_execution_time, which can then not be set here; set it in the user's settings profile",
	);
}

const WIDE_INTEGER = /^(?:Nullable\()?U?Int(?:64|128|256)\b/;

/** A read-only user cannot ask for quoted integers, and a double would round them. */
function exactTable(lines: readonly string[]): unknown[][] {
	const table = lines.map((line) => JSON.parse(line, exactInteger) as unknown[]);
	const wide = (table[1] ?? []).map((type) => WIDE_INTEGER.test(String(type)));
	for (const row of table.slice(2)) {
		wide.forEach((isWide, column) => {
			if (isWide && typeof row[column] === "number") row[column] = String(row[column]);
		});
	}
	return table;
}

/** Lines as they come, given up as soon as they are too many bytes. */
async function boundedLines(result: Result, maxBytes: number): Promise<string[]> {
	const lines: string[] = [];
	let bytes = 0;
	for await (const rows of result.stream()) {
		for (const { text } of rows as { text: string }[]) {
			bytes += Buffer.byteLength(text);
			if (bytes > maxBytes) throw tooLarge(maxBytes);
			if (text !== "") lines.push(text);
		}
	}
	return lines;
}

function exactInteger(_key: string, value: unknown, context?: { source?: string }): unknown {
	const isRounded = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
	return isRounded && /^-?\d+$/.test(context?.source ?? "") ? context?.source : value;
}

type Bind = (
	sql: string,
	parameters: QueryParameters,
) => { readonly query: string; readonly query_params?: Record<string, unknown> };

/** Runs a task that may be given up. */
type During = <Answer>(task: () => Promise<Answer>) => Promise<Answer>;

function connection(
	client: Client,
	settingsOf: () => Promise<Settings>,
	bind: Bind,
	during: During = (task) => task(),
): UserSqlConnection {
	const abort = new AbortController();
	let last: Promise<unknown> = Promise.resolve();
	const run = <Answer>(query: string, format: Format, parameters: QueryParameters, read: Read<Answer>) => {
		const answer = during(async () => {
			const result = await client.query({
				...{ ...bind(query, parameters), format, abort_signal: abort.signal },
				clickhouse_settings: { ...(await settingsOf()) },
			});
			return read(result);
		});
		last = answer.catch(() => undefined);
		return answer;
	};
	return {
		query: <Row>(sql: string, parameters: QueryParameters = {}) =>
			run(sql, "JSONEachRow", parameters, (result) => result.json() as Promise<Row[]>),
		text: (sql) => run(sql, "TabSeparated", {}, (result) => result.text()),
		table: (sql, maxBytes) =>
			run(sql, "JSONCompactEachRowWithNamesAndTypes", {}, async (result) =>
				exactTable(await boundedLines(result, maxBytes)),
			),
		discard() {
			abort.abort();
			// chDB closes only when the engine has answered.
			void last.then(() => client.close());
		},
	};
}
