import { BundleWatcher, readBundle } from "@armspan/router";
import { diag } from "@opentelemetry/api";
import type { ResolvedOptions } from "./armspan-options.ts";
import type { Counters } from "./armspan-status.ts";
import { type BundleContents, type LoadedBundle, loadBundle } from "./loaded-bundle.ts";
import type { FallbackReason } from "./resolve-call.ts";

/**
 * The routing bundle in force: the newest that could be read, else the last good one, else the bundled default.
 * All reading happens at start and when the watcher sees a change; `current` is a field.
 */
export class RoutingSource {
	#current: LoadedBundle | undefined;
	#origin: "routing-directory" | "bundled-default" | "none" = "none";
	#lastError: string | undefined;
	#watcher: BundleWatcher | undefined;
	readonly #counters: Counters;

	constructor(options: ResolvedOptions, counters: Counters) {
		this.#counters = counters;
		if (options.routingDirectory !== undefined) this.#watch(options.routingDirectory, options.pollMs);
		if (this.#current === undefined && options.bundledDefault !== undefined) {
			this.#loadDefault(options.bundledDefault);
		}
	}

	get current(): LoadedBundle | undefined {
		return this.#current;
	}

	get origin(): "routing-directory" | "bundled-default" | "none" {
		return this.#origin;
	}

	/** The routing directory is set and cannot be read at present. */
	get stale(): boolean {
		return this.#watcher?.problem !== undefined;
	}

	get lastError(): string | undefined {
		return this.stale || this.#origin !== "routing-directory" ? this.#lastError : undefined;
	}

	/** What spans say about the bundle; `undefined` when it is the newest. */
	get fallbackReason(): FallbackReason | undefined {
		if (this.#origin === "bundled-default") return "bundled-default";
		return this.stale ? "bundle-stale" : undefined;
	}

	close(): void {
		this.#watcher?.close();
		this.#watcher = undefined;
	}

	#watch(directory: string, pollMs: number): void {
		try {
			this.#watcher = new BundleWatcher(directory, {
				pollMs,
				onChange: (contents) => this.#accept(contents),
				onError: (error) => this.#refuse(error),
			});
			const contents = this.#watcher.current;
			if (contents !== undefined && this.#current === undefined) this.#accept(contents);
		} catch (error) {
			this.#refuse(error);
		}
	}

	#loadDefault(directory: string): void {
		try {
			this.#current = loadBundle(readBundle(directory));
			this.#origin = "bundled-default";
		} catch (error) {
			this.#counters.bundlesRefused++;
			this.#report(error);
		}
	}

	#accept(contents: BundleContents): void {
		try {
			this.#current = loadBundle(contents, this.#current);
			this.#origin = "routing-directory";
			this.#lastError = undefined;
			this.#counters.bundlesLoaded++;
		} catch (error) {
			this.#refuse(error);
		}
	}

	#refuse(error: unknown): void {
		this.#counters.bundlesRefused++;
		this.#report(error);
	}

	#report(error: unknown): void {
		this.#lastError = error instanceof Error ? error.message : String(error);
		try {
			diag.warn(`[armspan] routing bundle refused: ${this.#lastError}`);
		} catch {
			// The diag logger is the application's; `lastError` keeps the reason.
		}
	}
}
