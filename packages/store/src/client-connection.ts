import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { createClient } from "@clickhouse/client";
import type { ChdbConnection } from "chdb/connection";
import { boundStatement } from "./bound-statement.ts";
import { type Connection, INSERT_SETTINGS, type Insertion, type QueryParameters } from "./connection.ts";
import { INSERT_FILE_PREFIX } from "./insert-files.ts";
import { ServerPulse } from "./server-pulse.ts";
import { StoreError } from "./store-error.ts";

type Client = ReturnType<typeof createClient>;

interface Abortable {
	abort_signal?: AbortSignal;
}

/** Files of this process: connections never share one. */
let insertFiles = 0;

/** A connection over `@clickhouse/client`, to a server or (with `embedded`) to chDB. */
export class ClientConnection implements Connection {
	readonly #client: Client;
	readonly #embedded: ChdbConnection | undefined;
	readonly #pulse: ServerPulse | undefined;
	#turn: Promise<unknown> = Promise.resolve();
	#closed = false;

	/** @param engine chDB, or the pulse of the server */
	constructor(client: Client, engine: ChdbConnection | ServerPulse) {
		this.#client = client;
		this.#embedded = engine instanceof ServerPulse ? undefined : engine;
		this.#pulse = engine instanceof ServerPulse ? engine : undefined;
	}

	get isEmbedded(): boolean {
		return this.#embedded !== undefined;
	}

	async query<Row>(sql: string, parameters: QueryParameters = {}): Promise<Row[]> {
		return this.#inTurn(async (more) => {
			const result = await this.#client.query({ ...this.#bound(sql, parameters), ...more, format: "JSONEachRow" });
			return (await result.json()) as Row[];
		});
	}

	async command(sql: string, parameters: QueryParameters = {}): Promise<void> {
		await this.#inTurn((more) => this.#client.command({ ...this.#bound(sql, parameters), ...more }));
	}

	async insert({ table, columns, body }: Insertion): Promise<void> {
		const embedded = this.#embedded;
		await this.#inTurn(async (more) => {
			if (embedded === undefined) {
				await this.#insertOverHttp(table, columns, body, more);
			} else if (Buffer.isBuffer(body)) {
				// bytes go to the engine as they are; client.insert would paste them into the statement as one string
				await embedded.chdb.rawInsert({
					table,
					columns,
					values: body,
					format: "JSONCompactEachRow",
					settings: { ...INSERT_SETTINGS },
				});
			} else {
				await this.#insertFromFile(table, columns, body.native, embedded.chdb.session.path);
			}
		});
	}

	async close(): Promise<void> {
		if (this.#closed) {
			return;
		}
		this.#closed = true;
		await this.#turn.catch(() => undefined);
		await this.#client.close();
	}

	#bound(sql: string, parameters: QueryParameters) {
		return this.isEmbedded
			? { query: boundStatement(sql, parameters) }
			: { query: sql, query_params: { ...parameters } };
	}

	async #insertOverHttp(
		table: string,
		columns: readonly string[],
		body: Insertion["body"],
		more: Abortable,
	): Promise<void> {
		const [format, values] = Buffer.isBuffer(body) ? ["JSONCompactEachRow", [body]] : ["Native", body.native];
		const result = await this.#client.exec({
			...more,
			query: `INSERT INTO ${table} (${named(columns)}) ${settingsClause()} FORMAT ${format}`,
			values: Readable.from(values),
		});
		// the connection is free, and the INSERT finished, only when the answer has been read
		for await (const _ of result.stream) {
		}
	}

	/**
	 * chDB takes binary rows from a file only; reading them is 30 times less work for it than reading any text. The file
	 * is gone before the kernel would write it to the disk.
	 */
	async #insertFromFile(
		table: string,
		columns: readonly string[],
		blocks: readonly Uint8Array[],
		folder: string,
	): Promise<void> {
		const file = join(folder, `${INSERT_FILE_PREFIX}${process.pid}-${++insertFiles}`);
		try {
			await writeFile(file, blocks, { mode: 0o600, flag: "wx" });
			await this.#client.command({
				query: `INSERT INTO ${table} (${named(columns)}) ${settingsClause()} SELECT ${named(columns)} FROM file('${quoted(file)}', 'Native')`,
			});
		} finally {
			await rm(file, { force: true });
		}
	}

	#inTurn<Result>(statement: (more: Abortable) => Promise<Result>): Promise<Result> {
		if (this.#closed) {
			return Promise.reject(new StoreError("STORE_CLOSED", "the store is closed"));
		}
		if (this.#pulse === undefined) return this.#queued(() => statement({}));
		// Who waits for a turn waits for the server.
		return this.#pulse.during((signal) =>
			this.#queued(async () => {
				signal.throwIfAborted();
				return statement({ abort_signal: signal });
			}),
		);
	}

	#queued<Result>(statement: () => Promise<Result>): Promise<Result> {
		const result = this.#turn.then(statement, statement);
		this.#turn = result.then(
			() => undefined,
			() => undefined,
		);
		return result;
	}
}

function settingsClause(): string {
	const settings = Object.entries(INSERT_SETTINGS).map(([name, value]) => `${name} = ${value}`);
	return `SETTINGS ${settings.join(", ")}`;
}

function named(columns: readonly string[]): string {
	return columns.map((name) => `\`${name}\``).join(", ");
}

/** The text of a string literal. */
function quoted(text: string): string {
	return text.replace(/['\\]/g, "\\$&");
}
