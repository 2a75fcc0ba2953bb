import {
	type BundleSource,
	type BundleSourceOptions,
	BundleWatcher,
	HttpBundleSource,
	type LoadedBundle as ReadBundle,
	RouterError,
	readBundle,
	readPublicKeys,
} from "@armspan/router";
import { diag } from "@opentelemetry/api";
import type { ResolvedOptions } from "./armspan-options.ts";
import type { Counters, RoutingOrigin, StaleReason } from "./armspan-status.ts";
import { type LoadedBundle, loadBundle } from "./loaded-bundle.ts";
import type { FallbackReason } from "./resolve-call.ts";
import { RoutingMetrics } from "./routing-metrics.ts";
import { untraced } from "./untraced.ts";

const PARSING_AT_START_MS = 100;
const PARSING_SLICE_MS = 4;
const PARSING_PAUSE_MS = 10;

/** The bundled default, or why it cannot be read. */
type ShippedDefault = { readonly bundle: LoadedBundle } | { readonly bundle?: never; readonly error: unknown };

/**
 * The routing bundle in force: the newest that the source had, else the last good one, else the cached one, else the
 * bundled default. All reading happens at start and when the source has something new; `current` is a field.
 */
export class RoutingSource {
	#current: LoadedBundle | undefined;
	/** `current` is the source's, and not the bundled default. */
	#isOwn = false;
	#lastError: string | undefined;
	/** The source could not even be set up. */
	#setupProblem: StaleReason | undefined;
	#source: BundleSource | undefined;
	#parsing: NodeJS.Timeout | undefined;
	readonly #kind: "routing-directory" | "routing-url";
	readonly #counters: Counters;
	readonly #metrics: RoutingMetrics;

	constructor(options: ResolvedOptions, counters: Counters) {
		this.#counters = counters;
		this.#kind = options.routingUrl === undefined ? "routing-directory" : "routing-url";
		this.#metrics = new RoutingMetrics(this);
		const { bundledDefault, environment } = options;
		const isSourced = options.routingUrl !== undefined || options.routingDirectory !== undefined;
		// What was shipped with the code says whose bundles the code is for, unless a person did.
		const isPinning = bundledDefault !== undefined && environment === undefined;
		const shipped = isPinning ? this.#readDefault(bundledDefault) : undefined;
		const flagSetId = environment === undefined ? shipped?.bundle?.flagSetId : `armspan/${environment}`;
		if (isSourced) this.#open(options, flagSetId);
		if (this.#current === undefined) this.#useDefault(shipped ?? this.#readDefault(bundledDefault));
	}

	get current(): LoadedBundle | undefined {
		return this.#current;
	}

	get origin(): RoutingOrigin {
		if (this.#current === undefined) return "none";
		if (!this.#isOwn) return "bundled-default";
		return this.#source?.isFromCache === true ? "cache" : this.#kind;
	}

	get stale(): boolean {
		return this.staleReason !== undefined;
	}

	/** Why the source cannot be read at present; `undefined` when it can. */
	get staleReason(): StaleReason | undefined {
		const source = this.#source;
		if (source === undefined) return this.#setupProblem;
		if (source.problem !== undefined) return source.problemCode;
		return source.isFromCache ? "FROM_CACHE" : undefined;
	}

	get ageMs(): number | undefined {
		return this.#isOwn ? this.#source?.ageMs : undefined;
	}

	get cacheProblem(): string | undefined {
		return this.#source?.cacheProblem;
	}

	get lastError(): string | undefined {
		return this.stale || !this.#isOwn ? this.#lastError : undefined;
	}

	/** What spans say about the bundle; `undefined` when it is the newest. */
	get fallbackReason(): FallbackReason | undefined {
		if (this.#current !== undefined && !this.#isOwn) return "bundled-default";
		return this.stale ? "bundle-stale" : undefined;
	}

	close(): void {
		// What was known when it was closed stays true of the bundle in force.
		this.#setupProblem = this.staleReason;
		this.#source?.close();
		this.#metrics.close();
		clearTimeout(this.#parsing);
	}

	#open(options: ResolvedOptions, flagSetId: string | undefined): void {
		try {
			this.#source = this.#createSource(options, flagSetId);
			const contents = this.#source.current;
			if (contents === undefined) return;
			const bundle = loadBundle(contents);
			// Small bundles are ready before the first call.
			bundle.prompts.parseFor(PARSING_AT_START_MS);
			this.#use(bundle);
			this.#isOwn = true;
			this.#counters.bundlesLoaded++;
		} catch (error) {
			this.#setupProblem = error instanceof RouterError ? error.code : "INTERNAL";
			// Whoever sets up OpenTelemetry's diagnostics does so right after.
			queueMicrotask(() => this.#refuse(error));
		}
	}

	#createSource({ routingDirectory = "", ...options }: ResolvedOptions, flagSetId: string | undefined): BundleSource {
		const common: BundleSourceOptions = {
			onChange: (bundle) => this.#accept(bundle),
			onError: (error) => this.#refuse(error),
			onCacheError: (error) => this.#reportCache(error),
			publicKeys: options.routingPublicKeys && readPublicKeys(options.routingPublicKeys),
			cacheDirectory: options.routingCache,
			flagSetId,
		};
		const { routingUrl, routingToken: token, pollMs } = options;
		if (routingUrl === undefined) return new BundleWatcher(routingDirectory, { ...common, pollMs });
		return new HttpBundleSource(routingUrl, { ...common, pollMs, token, beginRequest: untraced });
	}

	#readDefault(directory: string | undefined): ShippedDefault | undefined {
		if (directory === undefined) return undefined;
		try {
			return { bundle: loadBundle(readBundle(directory)) };
		} catch (error) {
			return { error };
		}
	}

	#useDefault(shipped: ShippedDefault | undefined): void {
		if (shipped?.bundle !== undefined) {
			shipped.bundle.prompts.parseFor(PARSING_AT_START_MS);
			this.#use(shipped.bundle);
		} else if (shipped !== undefined) this.#refuse(shipped.error);
	}

	#accept(contents: ReadBundle): void {
		try {
			this.#use(loadBundle(contents, this.#current));
			this.#isOwn = true;
			this.#lastError = undefined;
			this.#counters.bundlesLoaded++;
			this.#metrics.attach();
		} catch (error) {
			this.#refuse(error);
		}
	}

	/** Puts a bundle in force, and parses its prompts from now on a little at a time. */
	#use(bundle: LoadedBundle): void {
		this.#current = bundle;
		clearTimeout(this.#parsing);
		const parse = () => {
			if (bundle.prompts.parseFor(PARSING_SLICE_MS)) return;
			this.#parsing = setTimeout(parse, PARSING_PAUSE_MS).unref();
		};
		parse();
	}

	#refuse(error: unknown): void {
		this.#counters.bundlesRefused++;
		this.#lastError = error instanceof Error ? error.message : String(error);
		this.#metrics.refused(error instanceof RouterError ? error.code : "INTERNAL");
		warn(`routing bundle refused: ${this.#lastError}`);
	}

	#reportCache(error: Error): void {
		this.#counters.cacheFailures++;
		warn(`the last good routing bundle is not kept for the next start: ${error.message}`);
	}
}

function warn(message: string): void {
	try {
		diag.warn(`[armspan] ${message}`);
	} catch {
		// The diag logger is the application's; `status()` keeps the reason.
	}
}
