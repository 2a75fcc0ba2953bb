import { randomUUID } from "node:crypto";
import { link, open, readFile, rename, stat, unlink } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bundleError } from "./bundle-file.ts";

const LOCK_FILE = "routing.lock";
const RETRY_MS = 15;
const WAIT_MS = 10_000;
/** A write takes milliseconds; a lock this old is left over from a machine that is gone. */
const STALE_MS = 60_000;

/** One writer at a time: the comparison of revisions and the rename belong together. */
export class BundleLock {
	private readonly path: string;
	private readonly token: string;

	private constructor(path: string, token: string) {
		this.path = path;
		this.token = token;
	}

	/**
	 * @param keepsAlive whether waiting for another writer keeps the process alive
	 * @throws {RouterError} BUNDLE_LOCKED after ten seconds
	 */
	static async acquire(directory: string, keepsAlive = true): Promise<BundleLock> {
		const path = join(directory, LOCK_FILE);
		const token = JSON.stringify({ pid: process.pid, host: hostname(), id: randomUUID() });
		const deadline = performance.now() + WAIT_MS;
		while (!(await create(path, token))) {
			const removed = await removeStale(path);
			if (removed) continue;
			if (performance.now() > deadline) {
				throw bundleError("BUNDLE_LOCKED", path, "another process keeps writing; if there is none, delete this file");
			}
			await sleep(RETRY_MS * (0.5 + Math.random()), undefined, { ref: keepsAlive });
		}
		return new BundleLock(path, token);
	}

	/** @throws {RouterError} BUNDLE_LOCKED if the lock was taken away, as from a process that slept too long */
	async assertHeld(): Promise<void> {
		if ((await readOrUndefined(this.path)) !== this.token) {
			throw bundleError("BUNDLE_LOCKED", this.path, "another process took the lock over; write again");
		}
	}

	async release(): Promise<void> {
		if ((await readOrUndefined(this.path)) === this.token) await unlink(this.path);
	}
}

async function create(path: string, token: string): Promise<boolean> {
	try {
		const file = await open(path, "wx");
		try {
			await file.writeFile(token);
		} catch (error) {
			// A full disk: an empty lock would keep others waiting.
			await unlink(path);
			throw error;
		} finally {
			await file.close();
		}
		return true;
	} catch (error) {
		if (codeOf(error) === "EEXIST") return false;
		throw error;
	}
}

/** Takes away what a killed writer left; the rename decides who does it when several see it. */
async function removeStale(path: string): Promise<boolean> {
	const token = await readOrUndefined(path);
	if (token === undefined) return true;
	if (!(await isStale(path, token))) return false;
	const aside = `${path}.${randomUUID()}.tmp`;
	try {
		await rename(path, aside);
		// Somebody else was quicker and this is already the next writer's lock: it goes back.
		if ((await readOrUndefined(aside)) !== token) await link(aside, path);
		await unlink(aside);
	} catch (error) {
		// Gone, or taken again; whoever lost a lock finds out before its rename, and the aside is an orphan.
		if (codeOf(error) !== "ENOENT" && codeOf(error) !== "EEXIST") throw error;
	}
	return true;
}

async function isStale(path: string, token: string): Promise<boolean> {
	const age = await ageMs(path);
	if (age === undefined || age > STALE_MS) return true;
	const holder = parseToken(token);
	// An empty lock is one whose writer is between creating and filling it, or died there.
	if (holder === undefined) return age > 1_000;
	return holder.host === hostname() && !isAlive(holder.pid);
}

function parseToken(token: string): { pid: number; host: string } | undefined {
	try {
		const { pid, host } = JSON.parse(token) as { pid?: unknown; host?: unknown };
		return Number.isInteger(pid) && typeof host === "string" ? { pid: pid as number, host } : undefined;
	} catch {
		return undefined;
	}
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return codeOf(error) !== "ESRCH";
	}
}

async function ageMs(path: string): Promise<number | undefined> {
	try {
		return Date.now() - (await stat(path)).mtimeMs;
	} catch (error) {
		if (codeOf(error) === "ENOENT") return undefined;
		throw error;
	}
}

async function readOrUndefined(path: string): Promise<string | undefined> {
	try {
		return await readFile(path, "utf8");
	} catch (error) {
		if (codeOf(error) === "ENOENT") return undefined;
		throw error;
	}
}

function codeOf(error: unknown): unknown {
	return error instanceof Error && "code" in error ? error.code : undefined;
}
