import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { delivery, type Signal } from "@armspan/instrumentation";
import { diag } from "@opentelemetry/api";
import type { SpoolFormat } from "./spool-format.ts";

/** Processes may leave in a loop while nothing takes their files. */
const MAX_FILES = 200;
/** 4,096 spans are 4 MB; a larger file is not ours. */
const MAX_FILE_BYTES = 32 * 1024 * 1024;

/**
 * A folder for telemetry that a process had left when it had to go; the next start sends it. Written synchronously,
 * since `process.exit()` waits for nothing. Never throws.
 */
export class Spool {
	readonly #directory: string;

	constructor(directory: string) {
		this.#directory = directory;
	}

	write<Item>(signal: Signal, items: readonly Item[], format: SpoolFormat<Item>): void {
		if (items.length === 0) return;
		const name = `${Date.now()}-${process.pid}-${randomBytes(4).toString("hex")}`;
		const partial = join(this.#directory, `${name}.partial`);
		try {
			// It holds what spans hold: for nobody else on this machine.
			mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
			if (readdirSync(this.#directory).length >= MAX_FILES) throw new Error(`${MAX_FILES} files wait there already`);
			writeFileSync(partial, format.write(items), { mode: 0o600, flag: "wx" });
			renameSync(partial, join(this.#directory, `${name}.${signal}.json`));
		} catch (error) {
			delivery().drops[signal]["spool-failed"] += items.length;
			removeQuietly(partial);
			try {
				diag.warn(`[armspan] ${items.length} ${signal} could not be kept for the next start:`, String(error));
			} catch {
				// The diag logger is the application's, and the process is leaving.
			}
		}
	}

	/**
	 * Takes what earlier processes left, oldest first. A file is removed before it is handed over: it is lost only if this
	 * process is killed, and not sent by every start if it cannot be sent.
	 * @param take gets the items; says whether there is room for more
	 */
	async read<Item>(signal: Signal, format: SpoolFormat<Item>, take: (items: Item[]) => boolean): Promise<void> {
		const names = await readdir(this.#directory).catch(() => []);
		for (const name of names.filter((one) => one.endsWith(`.${signal}.json`)).sort()) {
			const file = join(this.#directory, name);
			try {
				const { size } = await stat(file);
				const text = size > MAX_FILE_BYTES ? undefined : await readFile(file, "utf8");
				await rm(file);
				if (text !== undefined && !take(format.read(text))) return;
			} catch (error) {
				diag.warn(`[armspan] ${file} could not be read:`, String(error));
			}
		}
	}
}

function removeQuietly(file: string): void {
	try {
		rmSync(file, { force: true });
	} catch {
		// A disk that is full or gone.
	}
}
