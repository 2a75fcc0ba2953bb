import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ServiceError } from "../service-error.ts";

/** "database is locked" */
const SQLITE_BUSY = 5;

/** Held by the one service that writes a routing folder. */
export interface RoutingLock {
	release(): void;
}

/**
 * Takes the lock of a routing folder, `<folder>.lock` beside it: two services in one folder would write it in turn for ever.
 *
 * It is the kernel's lock on a file, by way of SQLite since Node has none of its own: it ends with its process however
 * that ends, and holds between containers of one machine, whose pids say nothing to each other.
 * @throws {ServiceError} ROUTING_LOCKED
 */
export function lockRouting(routingDirectory: string): RoutingLock {
	const file = `${resolve(routingDirectory)}.lock`;
	mkdirSync(dirname(file), { recursive: true });
	let held: DatabaseSync | undefined;
	try {
		held = new DatabaseSync(file, { timeout: 0 });
		// Nothing is ever written.
		held.exec("PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE");
	} catch (cause) {
		held?.close();
		const isHeld = (cause as { errcode?: number }).errcode === SQLITE_BUSY;
		throw new ServiceError(
			"ROUTING_LOCKED",
			isHeld
				? `another service writes the routing bundle in ${routingDirectory}; stop it, or choose another data folder with --data`
				: `cannot lock ${file}: ${(cause as Error).message}; make its folder writable, or choose another with --data`,
			{ routingDirectory },
			{ cause },
		);
	}
	const database = held;
	return { release: () => database.close() };
}
