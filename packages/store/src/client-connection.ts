import { Readable } from "node:stream";
import type { createClient } from "@clickhouse/client";
import type { ChdbConnection } from "chdb/connection";
import { type Connection, INSERT_SETTINGS, type Insertion, type QueryParameters } from "./connection.ts";
import { StoreError } from "./store-error.ts";

type Client = ReturnType<typeof createClient>;

/** A connection over `@clickhouse/client`, to a server or (with `embedded`) to chDB. */
export class ClientConnection implements Connection {
	readonly #client: Client;
	readonly #embedded: ChdbConnection | undefined;
	#turn: Promise<unknown> = Promise.resolve();
	#closed = false;

	constructor(client: Client, embedded?: ChdbConnection) {
		this.#client = client;
		this.#embedded = embedded;
	}

	async query<Row>(sql: string, parameters: QueryParameters = {}): Promise<Row[]> {
		return this.#inTurn(async () => {
			const result = await this.#client.query({ query: sql, format: "JSONEachRow", query_params: { ...parameters } });
			return (await result.json()) as Row[];
		});
	}

	async command(sql: string): Promise<void> {
		await this.#inTurn(() => this.#client.command({ query: sql }));
	}

	async insert({ table, columns, body }: Insertion): Promise<void> {
		await this.#inTurn(async () => {
			if (this.#embedded) {
				// bytes go to the engine as they are; client.insert would paste them into the statement as one string
				await this.#embedded.chdb.rawInsert({
					table,
					columns,
					values: body,
					format: "JSONCompactEachRow",
					settings: { ...INSERT_SETTINGS },
				});
				return;
			}
			const settings = Object.entries(INSERT_SETTINGS).map(([name, value]) => `${name} = ${value}`);
			const result = await this.#client.exec({
				query: `INSERT INTO ${table} (${columns.join(", ")}) SETTINGS ${settings.join(", ")} FORMAT JSONCompactEachRow`,
				values: Readable.from([body]),
			});
			// the connection is free, and the INSERT finished, only when the answer has been read
			for await (const _ of result.stream) {
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

	#inTurn<Result>(statement: () => Promise<Result>): Promise<Result> {
		if (this.#closed) {
			return Promise.reject(new StoreError("STORE_CLOSED", "the store is closed"));
		}
		const result = this.#turn.then(statement, statement);
		this.#turn = result.then(
			() => undefined,
			() => undefined,
		);
		return result;
	}
}
