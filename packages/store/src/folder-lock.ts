import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { StoreError } from "./store-error.ts";

/** Whose lock on a data folder it is; `null` when the kernel does not say. */
export interface FolderLock {
	pid: number | null;
}

/**
 * Whether another process holds chDB's lock on `<path>/status`.
 *
 * chDB itself says so only on standard error; its exception is "Failed to create connection". The lock is the
 * kernel's, so it ends with its process however that ends; the pid written in the file may be stale.
 * @returns `undefined` when nobody holds it, or when this system cannot tell (no /proc)
 */
export function folderLock(path: string): FolderLock | undefined {
	const statusFile = join(path, "status");
	if (!existsSync(statusFile) || !existsSync("/proc/locks")) {
		return undefined;
	}
	const { dev, ino } = statSync(statusFile);
	// as Linux packs device numbers; a file system that shows another device here is left to chDB's own refusal
	const major = (dev >>> 8) & 0xfff;
	const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
	const file = `${hex(major)}:${hex(minor)}:${ino}`;
	for (const line of readFileSync("/proc/locks", "utf8").split("\n")) {
		const fields = line.trim().split(/\s+/);
		// "1: FLOCK ADVISORY WRITE 4711 fe:01:123456 0 EOF"
		if (fields[5] === file) {
			const pid = Number(fields[4]);
			if (pid !== process.pid) {
				return { pid: pid > 0 ? pid : null };
			}
		}
	}
	return undefined;
}

function hex(number: number): string {
	return number.toString(16).padStart(2, "0");
}

/** Pid that chDB wrote into `<path>/status`, if any. */
export function statusPid(path: string): number | null {
	const statusFile = join(path, "status");
	if (!existsSync(statusFile)) {
		return null;
	}
	const pid = /^PID: (\d+)/.exec(readFileSync(statusFile, "utf8"))?.[1];
	return pid === undefined ? null : Number(pid);
}

/** Whether a process with this pid is alive; one that may not be signalled is. */
export function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "EPERM";
	}
}

/**
 * For those who want to remove or replace a data folder: throws while another process has it open.
 * @throws {StoreError} STORE_LOCKED
 */
export function assertFolderUnlocked(path: string): void {
	const lock = folderLock(path);
	const pid = statusPid(path);
	// Without /proc (macOS) the pid in the file is all there is; at worst its number was given to somebody else.
	if (lock !== undefined || (!existsSync("/proc/locks") && pid !== null && pid !== process.pid && isAlive(pid))) {
		throw lockedError(path, lock?.pid ?? pid);
	}
}

export function lockedError(path: string, pid: number | null, options?: ErrorOptions): StoreError {
	const holder = pid === null ? "another process" : `process ${pid}`;
	return new StoreError(
		"STORE_LOCKED",
		`data folder ${path} is in use by ${holder}; stop it, or choose another data folder`,
		{ path, pid },
		options,
	);
}
