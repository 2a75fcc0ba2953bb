import { mkdirSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import { ClickHouseLogLevel, createClient } from "@clickhouse/client";
import type { createChdbConnection } from "chdb/connection";
import { ClickHouseStore, type StoreConnections } from "./clickhouse-store.ts";
import { ClientConnection } from "./client-connection.ts";
import type { Connection } from "./connection.ts";
import { folderLock, isAlive, lockedError, statusPid } from "./folder-lock.ts";
import { removeInsertFiles } from "./insert-files.ts";
import { ServerPulse } from "./server-pulse.ts";
import type { Store, StoreOptions } from "./store.ts";
import { StoreError } from "./store-error.ts";
import type { OpenUserSql } from "./user-sql.ts";
import { embeddedUserSql, serverUserSql } from "./user-sql-connection.ts";

/** The oldest ClickHouse on which the schema and the queries were written to run. */
const OLDEST_ENGINE = [25, 8] as const;

/** Errors reach the caller as StoreError; the client would print them as well. */
const QUIET = { level: ClickHouseLogLevel.OFF };

/**
 * A connection runs one query at a time: one for inserts, one for analyses, one for the watch over guardrails, one for
 * migrations, retention and erasure.
 */
const CONNECTIONS = 4;

/** A migration or an erasure rewrites tables; giving up half-way would not stop the server. */
const MAINTENANCE_TIMEOUT_MS = 3_600_000;

type ConnectChdb = typeof createChdbConnection;

/** chDB serves one folder per process; stores on the same folder share it. */
const openFolder = { path: "", stores: 0 };

/**
 * Opens the evidence store; `migrate()` must run before anything is stored.
 * @throws {StoreError} STORE_LOCKED, STORE_PATH_CONFLICT, STORE_UNAVAILABLE, ENGINE_UNSUPPORTED
 */
export async function openStore(options: StoreOptions): Promise<Store> {
	const connections =
		options.kind === "embedded" ? openEmbedded(options.path, await loadChdb(options.path)) : openServer(options);
	try {
		await checkEngine(connections.analysis);
	} catch (error) {
		await connections.close();
		throw error;
	}
	return new ClickHouseStore(connections, options.kind === "server" ? options.cluster : undefined);
}

/** Loaded where it is used: with a server, its library of 540 MB need not be installed. */
async function loadChdb(path: string): Promise<ConnectChdb> {
	try {
		return (await import("chdb/connection")).createChdbConnection;
	} catch (cause) {
		throw new StoreError(
			"STORE_UNAVAILABLE",
			`cannot open data folder ${path}: embedded ClickHouse cannot be loaded (${messageOf(cause)}); install without --omit=optional, or use a server (--clickhouse-url)`,
			{ path },
			{ cause },
		);
	}
}

function openEmbedded(folder: string, connectChdb: ConnectChdb): StoreConnections {
	const path = preparedFolder(folder);
	if (openFolder.stores > 0 && openFolder.path !== path) {
		throw new StoreError(
			"STORE_PATH_CONFLICT",
			`cannot open data folder ${path}: this process has ${openFolder.path} open, and chDB serves one folder per process; close that store first`,
			{ path, openPath: openFolder.path },
		);
	}
	if (openFolder.stores === 0) {
		const lock = folderLock(path);
		if (lock) {
			throw lockedError(path, lock.pid);
		}
	}
	const opened: Connection[] = [];
	try {
		for (let connection = 0; connection < CONNECTIONS; connection++) {
			opened.push(embeddedConnection(path, connectChdb));
		}
	} catch (error) {
		for (const connection of opened) {
			void connection.close();
		}
		throw error;
	}
	if (openFolder.stores === 0) {
		removeInsertFiles(path);
	}
	const [ingest, analysis, watch, maintenance] = opened as [Connection, Connection, Connection, Connection];
	openFolder.path = path;
	openFolder.stores += 1;
	let closing: Promise<void> | undefined;
	const openUserSql: OpenUserSql = (settings) => {
		if (closing !== undefined) throw closed();
		return embeddedUserSql(embeddedClient(path, connectChdb).client, settings);
	};
	const close = async () => {
		await ingest.close();
		await analysis.close();
		await watch.close();
		await maintenance.close();
		openFolder.stores -= 1;
	};
	return {
		ingest,
		analysis,
		watch,
		maintenance,
		openUserSql,
		close() {
			closing ??= close();
			return closing;
		},
	};
}

function embeddedConnection(path: string, connectChdb: ConnectChdb): Connection {
	try {
		const { client, connection } = embeddedClient(path, connectChdb);
		return new ClientConnection(client, connection);
	} catch (cause) {
		const pid = statusPid(path);
		if (pid !== null && pid !== process.pid && isAlive(pid)) {
			throw lockedError(path, pid, { cause });
		}
		throw new StoreError(
			"STORE_UNAVAILABLE",
			`cannot open data folder ${path}: ${messageOf(cause)}; is the folder writable, and made by Armspan?`,
			{ path },
			{ cause },
		);
	}
}

function embeddedClient(path: string, connectChdb: ConnectChdb) {
	const connection = connectChdb({ path });
	// the client bundles its own copy of the interface that chdb implements: same shape, nominally another type
	const client = createClient({ connection, log: QUIET } as unknown as Parameters<typeof createClient>[0]);
	return { client, connection };
}

function closed(): StoreError {
	return new StoreError("STORE_CLOSED", "the store is closed");
}

function preparedFolder(folder: string): string {
	try {
		// unit ids are personal data: nobody else reads them
		mkdirSync(resolve(folder), { recursive: true, mode: 0o700 });
		return realpathSync(folder);
	} catch (cause) {
		throw new StoreError(
			"STORE_UNAVAILABLE",
			`cannot create data folder ${folder}: ${messageOf(cause)}`,
			{ path: folder },
			{ cause },
		);
	}
}

function openServer(options: Extract<StoreOptions, { kind: "server" }>): StoreConnections {
	const { url, database, username, password, reader } = options;
	const openClient = (user: { username?: string; password?: string }, requestTimeoutMs?: number) => {
		try {
			return createClient({
				url,
				log: QUIET,
				...(requestTimeoutMs === undefined ? {} : { request_timeout: requestTimeoutMs }),
				...(database === undefined ? {} : { database }),
				...(user.username === undefined ? {} : { username: user.username }),
				...(user.password === undefined ? {} : { password: user.password }),
			});
		} catch (cause) {
			throw new StoreError("STORE_UNAVAILABLE", `cannot use ClickHouse URL ${url}: ${messageOf(cause)}`, {}, { cause });
		}
	};
	const own = { ...(username === undefined ? {} : { username }), ...(password === undefined ? {} : { password }) };
	// A client of its own: nothing that is under way takes its sockets.
	const pinging = openClient(own);
	const pulse = new ServerPulse((signal) => pinging.ping({ select: false, abort_signal: signal }));
	const connect = (requestTimeoutMs?: number) => new ClientConnection(openClient(own, requestTimeoutMs), pulse);
	let isClosed = false;
	const openUserSql: OpenUserSql = (settings, timeoutMs) => {
		if (isClosed) throw closed();
		return serverUserSql(openClient(reader ?? own, timeoutMs), settings, pulse);
	};
	const ingest = connect();
	const analysis = connect();
	const watch = connect();
	const maintenance = connect(MAINTENANCE_TIMEOUT_MS);
	return {
		ingest,
		analysis,
		watch,
		maintenance,
		openUserSql,
		async close() {
			isClosed = true;
			await ingest.close();
			await analysis.close();
			await watch.close();
			await maintenance.close();
			await pinging.close();
		},
	};
}

async function checkEngine(connection: Connection): Promise<void> {
	let version: string;
	try {
		const [row] = await connection.query<{ version: string }>("SELECT version() AS version");
		version = row?.version ?? "";
	} catch (cause) {
		throw new StoreError("STORE_UNAVAILABLE", `ClickHouse does not answer: ${messageOf(cause)}`, {}, { cause });
	}
	const [major = 0, minor = 0] = version.split(".").map(Number);
	const [oldestMajor, oldestMinor] = OLDEST_ENGINE;
	if (!(major > oldestMajor || (major === oldestMajor && minor >= oldestMinor))) {
		throw new StoreError(
			"ENGINE_UNSUPPORTED",
			`ClickHouse ${version} is too old; expected ${OLDEST_ENGINE.join(".")} or later`,
			{ version },
		);
	}
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
