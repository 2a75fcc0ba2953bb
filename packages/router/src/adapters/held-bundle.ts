import { RouterError } from "../errors.ts";
import type { CheckedRouting, Trust } from "./accept-routing.ts";
import { BundleCache } from "./bundle-cache.ts";
import type { BundleSourceOptions, SourceProblemCode } from "./bundle-source.ts";
import type { LoadedBundle } from "./read-bundle.ts";

/** After that what is in use is old, as far as anybody knows. */
const LONG_CHECK_MS = 1_000;

/** The last good bundle of a source, what is wrong with the source, and the cache that outlives the process. */
export class HeldBundle {
	readonly #options: BundleSourceOptions;
	readonly #cache: BundleCache | undefined;
	#current: LoadedBundle | undefined;
	#isFromCache = false;
	#problem: string | undefined;
	#problemCode: SourceProblemCode | undefined;
	/** By the monotonic clock. */
	#confirmedAtMs: number | undefined;
	/** By the monotonic clock. */
	#checkingSinceMs: number | undefined;
	/** Checked last, in use or still waiting for a prompt file. */
	#known: CheckedRouting | undefined;

	constructor(options: BundleSourceOptions) {
		this.#options = options;
		if (options.cacheDirectory === undefined) return;
		const onCacheError = options.onCacheError ?? options.onError;
		// Whoever constructs has no reference yet, so what went wrong is told right after.
		const report = (error: Error) => queueMicrotask(() => onCacheError(error));
		this.#cache = new BundleCache(options.cacheDirectory, options, report);
		const cached = this.#cache.load();
		if (cached === undefined) return;
		this.#current = cached.bundle;
		this.#isFromCache = true;
		this.#confirmedAtMs = performance.now() - cached.ageMs;
	}

	get current(): LoadedBundle | undefined {
		return this.#current;
	}

	get isFromCache(): boolean {
		return this.#isFromCache;
	}

	get problem(): string | undefined {
		if (this.#problem !== undefined || !this.#isCheckLong) return this.#problem;
		return `a newer routing file is there, and checking it takes longer than ${LONG_CHECK_MS} ms`;
	}

	get problemCode(): SourceProblemCode | undefined {
		return this.#problemCode ?? (this.#isCheckLong ? "CHECKING" : undefined);
	}

	get #isCheckLong(): boolean {
		return this.#checkingSinceMs !== undefined && performance.now() - this.#checkingSinceMs > LONG_CHECK_MS;
	}

	get cacheProblem(): string | undefined {
		return this.#cache?.problem;
	}

	get ageMs(): number | undefined {
		return this.#confirmedAtMs === undefined ? undefined : performance.now() - this.#confirmedAtMs;
	}

	/** What the next routing file is checked against. */
	get trust(): Trust {
		const { publicKeys, flagSetId } = this.#options;
		const current = this.#current;
		if (current === undefined) return { publicKeys, flagSetId, known: this.#known };
		const { table, routingDigest } = current;
		return {
			publicKeys,
			known: this.#known ?? current,
			flagSetId: table.flagSetId,
			current: { revision: table.revision, routingDigest },
		};
	}

	/** The source has something that may be new. */
	beginCheck(): void {
		this.#checkingSinceMs = performance.now();
	}

	/** It was taken, refused, or is gone. */
	endCheck(): void {
		this.#checkingSinceMs = undefined;
	}

	/** Not compiled again, should only its prompt files be missing yet. */
	remember(routing: CheckedRouting): void {
		this.#known = routing;
	}

	/** The source has this bundle, which passed every check. One assignment puts it in use. */
	accept(bundle: LoadedBundle, tell: boolean): void {
		const isNew = bundle.routingDigest !== this.#current?.routingDigest;
		this.#current = bundle;
		this.confirm();
		this.#cache?.store(bundle);
		if (!isNew || !tell) return;
		try {
			this.#options.onChange(bundle);
		} catch (error) {
			this.#options.onError(asError(error));
		}
	}

	/** The source says that the bundle in use is its newest. */
	confirm(): void {
		this.#isFromCache = false;
		this.#problem = undefined;
		this.#problemCode = undefined;
		this.#confirmedAtMs = performance.now();
		if (this.#current !== undefined) this.#cache?.storeAgain(this.#current);
	}

	/** Nothing changes but the reason why the bundle in use may be old; told once per cause. */
	refuse(error: unknown, onError: (error: Error) => void = this.#options.onError): void {
		const problem = asError(error);
		if (problem.message === this.#problem) return;
		this.#problem = problem.message;
		this.#problemCode = problem instanceof RouterError ? problem.code : "INTERNAL";
		onError(problem);
	}
}

function asError(error: unknown): Error {
	return error instanceof Error ? error : new Error(String(error));
}
