import { randomUUID } from "node:crypto";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE_MS = 5_000;
const STALE_MS = 60_000;

/**
 * Runs `action` while no other process of Armspan changes the repository.
 *
 * The lock only keeps changes in order, so that each finds the work tree as the one before left it.
 * History is safe without it, by compare-and-swap of the ref; so a lock that cannot be had in five
 * seconds is given up, and a halt is never kept waiting by a process that hangs.
 * @param file in the git folder; holds host, process id and a nonce of the holder
 */
export async function withRepositoryLock<T>(file: string, action: () => Promise<T>): Promise<T> {
	const holder = `${hostname()} ${process.pid} ${randomUUID()}`;
	const giveUpAt = performance.now() + PATIENCE_MS;
	let held = await take(file, holder);
	while (!held && performance.now() < giveUpAt) {
		if (await isStale(file)) await rm(file, { force: true });
		else await sleep(5 + Math.random() * 25);
		held = await take(file, holder);
	}
	try {
		return await action();
	} finally {
		// Somebody may have thought it stale and taken it over.
		if (held && (await readLock(file)) === holder) await rm(file, { force: true });
	}
}

async function take(file: string, holder: string): Promise<boolean> {
	try {
		await writeFile(file, holder, { flag: "wx" });
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
		throw error;
	}
}

async function isStale(file: string): Promise<boolean> {
	const [holder, age] = await Promise.all([readLock(file), lockAgeMs(file)]);
	if (holder === null || age === null) return false;
	if (age > STALE_MS) return true;
	const [host, processId] = holder.split(" ");
	if (host !== hostname() || !/^\d+$/.test(processId ?? "")) return false;
	try {
		process.kill(Number(processId), 0);
		return false;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "ESRCH";
	}
}

async function readLock(file: string): Promise<string | null> {
	return unlessMissing(() => readFile(file, "utf8"));
}

async function lockAgeMs(file: string): Promise<number | null> {
	return unlessMissing(async () => Date.now() - (await stat(file)).mtimeMs);
}

async function unlessMissing<T>(read: () => Promise<T>): Promise<T | null> {
	try {
		return await read();
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw error;
	}
}
