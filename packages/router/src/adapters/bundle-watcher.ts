import { createHash } from "node:crypto";
import { type BigIntStats, type FSWatcher, statSync, watch } from "node:fs";
import { join } from "node:path";
import { RouterError, type RouterErrorCode } from "../errors.ts";
import { bundleError, type LoadedBundle, ROUTING_FILE, readBundle, readRoutingFile } from "./read-bundle.ts";

const YOUNG_MS = 2_000;

/** Causes that may go away although `routing.json` stays the same. */
const PASSING: ReadonlySet<RouterErrorCode> = new Set([
	"BUNDLE_MISSING",
	"BUNDLE_UNREADABLE",
	"BUNDLE_TORN",
	"PROMPT_MISSING",
	"PROMPT_CORRUPT",
]);

export interface BundleWatcherOptions {
	/** A newer bundle is in use. Called after `current` has changed; not for the bundle found at construction. */
	readonly onChange: (bundle: LoadedBundle) => void;
	/** Something was refused and the last good bundle stays; once per cause. It must not throw. */
	readonly onError: (error: Error) => void;
	/** Between looks at the file, for file systems that tell nothing. @default 250 */
	readonly pollMs?: number | undefined;
}

/**
 * Keeps the newest good bundle of a directory: watched, and polled besides. Never keeps a process alive.
 *
 * The directory may appear later, be deleted and made again, or be swapped by a symlink. Torn, empty, invalid and
 * older bundles are refused and reported; the last good one stays.
 */
export class BundleWatcher {
	private readonly directory: string;
	private readonly options: BundleWatcherOptions;
	private readonly timer: NodeJS.Timeout;
	private loaded: LoadedBundle | undefined;
	private directoryWatch: FSWatcher | undefined;
	private watchedInode: bigint | undefined;
	/** What `stat` said when the file was last read with success. */
	private settled: string | undefined;
	private reported: string | undefined;
	private isClosed = false;
	private isScheduled = false;

	constructor(directory: string, options: BundleWatcherOptions) {
		this.directory = directory;
		this.options = options;
		const errors: Error[] = [];
		this.look((error) => errors.push(error));
		// Whoever constructs has no reference yet, so what went wrong is told right after.
		for (const error of errors) queueMicrotask(() => options.onError(error));
		this.timer = setInterval(() => this.lookAgain(), options.pollMs ?? 250);
		this.timer.unref();
	}

	/** The bundle in use; `undefined` until there was a good one. */
	get current(): LoadedBundle | undefined {
		return this.loaded;
	}

	/** Why the directory cannot be used at present, hence `current` may be old; `undefined` when all is well. */
	get problem(): string | undefined {
		return this.reported;
	}

	close(): void {
		this.isClosed = true;
		clearInterval(this.timer);
		this.unwatch();
	}

	private lookAgain(): void {
		if (this.isClosed) return;
		const before = this.loaded;
		this.look(this.options.onError);
		if (this.loaded === undefined || this.loaded === before) return;
		try {
			this.options.onChange(this.loaded);
		} catch (error) {
			this.options.onError(error instanceof Error ? error : new Error(String(error)));
		}
	}

	private look(onError: (error: Error) => void): void {
		this.watchDirectory();
		const signature = fileSignature(join(this.directory, ROUTING_FILE));
		if (signature !== undefined && signature === this.settled) return;
		this.settled = undefined;
		try {
			this.load();
			this.settled = signature;
			this.reported = undefined;
		} catch (error) {
			if (error instanceof RouterError && !PASSING.has(error.code)) this.settled = signature;
			this.report(error, onError);
		}
	}

	private load(): void {
		const current = this.loaded;
		if (current !== undefined) {
			const digest = createHash("sha256").update(readRoutingFile(this.directory)).digest("hex");
			if (digest === current.routingDigest) return;
		}
		const next = readBundle(this.directory, current);
		if (
			current !== undefined &&
			next.table.revision <= current.table.revision &&
			next.routingDigest !== current.routingDigest
		) {
			const file = join(this.directory, ROUTING_FILE);
			const fix = `revision ${next.table.revision} is not above ${current.table.revision}, which is in use; to go back, compile with a higher one`;
			throw bundleError("REVISION_NOT_HIGHER", file, fix);
		}
		this.loaded = next;
	}

	private report(error: unknown, onError: (error: Error) => void): void {
		const problem = error instanceof Error ? error : new Error(String(error));
		// A bundle that was never there is not a fault: the application may be up first.
		if (this.loaded === undefined && problem instanceof RouterError && problem.code === "BUNDLE_MISSING") return;
		if (problem.message === this.reported) return;
		this.reported = problem.message;
		onError(problem);
	}

	/** Watches the directory, not the file: a watch on the file dies with the first rename over it. */
	private watchDirectory(): void {
		const inode = directoryInode(this.directory);
		if (inode === this.watchedInode && (inode === undefined || this.directoryWatch !== undefined)) return;
		this.unwatch();
		this.watchedInode = inode;
		if (inode === undefined) return;
		try {
			this.directoryWatch = watch(this.directory, { persistent: false }, () => this.schedule());
			this.directoryWatch.on("error", () => this.unwatch());
		} catch {
			// Out of watches, or gone in between: the poll goes on and tries again.
			this.unwatch();
		}
	}

	private unwatch(): void {
		this.directoryWatch?.close();
		this.directoryWatch = undefined;
		this.watchedInode = undefined;
	}

	/** A write makes several events; one look is enough. */
	private schedule(): void {
		if (this.isScheduled || this.isClosed) return;
		this.isScheduled = true;
		setImmediate(() => {
			this.isScheduled = false;
			this.lookAgain();
		});
	}
}

/** Identity of the file's content, or `undefined` when `stat` cannot vouch for it and the bytes must be compared. */
function fileSignature(file: string): string | undefined {
	const stat = statOrUndefined(file);
	// Two writes within one tick of the clock look the same, so a young file is read again.
	if (stat === undefined || Date.now() - Number(stat.mtimeMs) < YOUNG_MS) return undefined;
	return `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
}

function directoryInode(directory: string): bigint | undefined {
	return statOrUndefined(directory)?.ino;
}

function statOrUndefined(path: string): BigIntStats | undefined {
	try {
		return statSync(path, { bigint: true, throwIfNoEntry: false });
	} catch {
		// No permission or a loop of links: reading the file says so, and that is reported.
		return undefined;
	}
}
