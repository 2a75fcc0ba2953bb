import { type BigIntStats, type FSWatcher, statSync, watch } from "node:fs";
import { join } from "node:path";
import { RouterError, type RouterErrorCode } from "../errors.ts";
import { atOnce, inSlices } from "../in-slices.ts";
import { acceptRoutingSteps } from "./accept-routing.ts";
import { ROLLBACK_FILE, ROLLBACK_SIGNATURE_FILE, ROUTING_FILE, SIGNATURE_FILE } from "./bundle-file.ts";
import type { BundleSource, BundleSourceOptions, SourceProblemCode } from "./bundle-source.ts";
import { HeldBundle } from "./held-bundle.ts";
import { type LoadedBundle, readPromptsSteps, readRoutingBytes } from "./read-bundle.ts";

const YOUNG_MS = 2_000;

const WATCHED_FILES = [ROUTING_FILE, SIGNATURE_FILE, ROLLBACK_FILE, ROLLBACK_SIGNATURE_FILE];

/** Causes that may go away although none of the watched files changes. */
const PASSING: ReadonlySet<RouterErrorCode> = new Set([
	"BUNDLE_MISSING",
	"BUNDLE_UNREADABLE",
	"BUNDLE_TORN",
	"PROMPT_MISSING",
	"PROMPT_CORRUPT",
]);

export interface BundleWatcherOptions extends BundleSourceOptions {
	/** Between looks at the files, for file systems that tell nothing. @default 250 */
	readonly pollMs?: number | undefined;
}

/**
 * Keeps the newest good bundle of a directory: watched, and polled besides. Never keeps a process alive.
 *
 * The directory may appear later, be deleted and made again, or be swapped by a symlink. Torn, empty, invalid, unsigned
 * and older bundles are refused and reported; the last good one stays. What is there at construction is read at once;
 * later bundles a few milliseconds at a time.
 */
export class BundleWatcher implements BundleSource {
	private readonly directory: string;
	private readonly options: BundleWatcherOptions;
	private readonly held: HeldBundle;
	private readonly timer: NodeJS.Timeout;
	private directoryWatch: FSWatcher | undefined;
	private watchedInode: bigint | undefined;
	/** What `stat` said when the files were last read for good. */
	private settled: string | undefined;
	private isClosed = false;
	private isScheduled = false;
	private isLoading = false;
	private isLookWanted = false;

	constructor(directory: string, options: BundleWatcherOptions) {
		this.directory = directory;
		this.options = options;
		this.held = new HeldBundle(options);
		this.watchDirectory();
		this.lookAtOnce();
		this.timer = setInterval(() => this.lookAgain(), options.pollMs ?? 250);
		this.timer.unref();
	}

	get current(): LoadedBundle | undefined {
		return this.held.current;
	}

	get isFromCache(): boolean {
		return this.held.isFromCache;
	}

	get problem(): string | undefined {
		return this.held.problem;
	}

	get problemCode(): SourceProblemCode | undefined {
		return this.held.problemCode;
	}

	get ageMs(): number | undefined {
		return this.held.ageMs;
	}

	get cacheProblem(): string | undefined {
		return this.held.cacheProblem;
	}

	close(): void {
		this.isClosed = true;
		clearInterval(this.timer);
		this.unwatch();
	}

	private lookAtOnce(): void {
		const signature = filesSignature(this.directory);
		try {
			this.accepted(atOnce(this.load()), signature, false);
		} catch (error) {
			// Whoever constructs has no reference yet, so what went wrong is told right after.
			this.refused(error, signature, (problem) => queueMicrotask(() => this.options.onError(problem)));
		}
	}

	private lookAgain(): void {
		if (this.isClosed) return;
		if (this.isLoading) {
			this.isLookWanted = true;
			return;
		}
		this.watchDirectory();
		const signature = filesSignature(this.directory);
		if (signature !== undefined && signature === this.settled) {
			if (this.problem === undefined) this.held.confirm();
			return;
		}
		this.settled = undefined;
		this.isLoading = true;
		this.held.beginCheck();
		void inSlices(this.load())
			.then(
				(bundle) => this.isClosed || this.accepted(bundle, signature, true),
				(error) => this.isClosed || this.refused(error, signature, this.options.onError),
			)
			.finally(() => {
				this.isLoading = false;
				this.held.endCheck();
				if (!this.isLookWanted) return;
				this.isLookWanted = false;
				this.lookAgain();
			});
	}

	private *load(): Generator<void, LoadedBundle, void> {
		const routing = yield* acceptRoutingSteps(readRoutingBytes(this.directory), this.held.trust);
		this.held.remember(routing);
		yield;
		return yield* readPromptsSteps(this.directory, routing, this.held.current);
	}

	private accepted(bundle: LoadedBundle, signature: string | undefined, tell: boolean): void {
		this.settled = signature;
		this.held.accept(bundle, tell);
	}

	private refused(error: unknown, signature: string | undefined, onError: (error: Error) => void): void {
		const code = error instanceof RouterError ? error.code : undefined;
		if (code !== undefined && !PASSING.has(code)) this.settled = signature;
		// A bundle that was never there is not a fault: the application may be up first.
		if (this.held.current === undefined && code === "BUNDLE_MISSING") return;
		this.held.refuse(error, onError);
	}

	/** Watches the directory, not the file: a watch on the file dies with the first rename over it. */
	private watchDirectory(): void {
		const inode = statOrUndefined(this.directory)?.ino;
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

/** Identity of the files' content, or `undefined` when `stat` cannot vouch for it and the bytes must be compared. */
function filesSignature(directory: string): string | undefined {
	const parts: string[] = [];
	for (const name of WATCHED_FILES) {
		const stat = statOrUndefined(join(directory, name));
		if (stat === undefined) {
			if (name === ROUTING_FILE) return undefined;
			parts.push("none");
			continue;
		}
		// Two writes within one tick of the clock look the same, so a young file is read again.
		if (Date.now() - Number(stat.mtimeMs) < YOUNG_MS) return undefined;
		parts.push(`${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`);
	}
	return parts.join(" ");
}

function statOrUndefined(path: string): BigIntStats | undefined {
	try {
		return statSync(path, { bigint: true, throwIfNoEntry: false });
	} catch {
		// No permission or a loop of links: reading the file says so, and that is reported.
		return undefined;
	}
}
