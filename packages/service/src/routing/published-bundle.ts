import { BundleWatcher, type LoadedBundle } from "@armspan/router";
import type { FastifyBaseLogger } from "fastify";

/**
 * The bundle that applications are given over HTTP: what lies in the routing directory, whole and checked, whichever
 * service put it there. Its files always belong together, since they are of one bundle in memory.
 */
export class PublishedBundle {
	readonly #watcher: BundleWatcher;
	readonly #listeners = new Set<(bundle: LoadedBundle) => void>();
	/** Who has just fetched the routing file of before may still ask for its prompts. */
	#before: LoadedBundle | undefined;
	#latest: LoadedBundle | undefined;

	constructor(routingDirectory: string, environmentName: string, logger: FastifyBaseLogger) {
		this.#watcher = new BundleWatcher(routingDirectory, {
			// Else one that another environment has left in the folder would keep this service's own out.
			flagSetId: `armspan/${environmentName}`,
			onChange: (bundle) => {
				this.#before = this.#latest;
				this.#latest = bundle;
				for (const listener of this.#listeners) listener(bundle);
			},
			onError: (error) => logger.error({ err: error }, "the last good routing bundle is served"),
		});
		this.#latest = this.#watcher.current;
	}

	/** `undefined` while there is none. */
	get current(): LoadedBundle | undefined {
		return this.#watcher.current;
	}

	/** A prompt of the current bundle or of the one before. */
	prompt(digest: string): Uint8Array | undefined {
		return this.current?.prompts.get(digest) ?? this.#before?.prompts.get(digest);
	}

	/** Tells of each bundle from now on; returns how to stop. */
	subscribe(listener: (bundle: LoadedBundle) => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	close(): void {
		this.#watcher.close();
		this.#listeners.clear();
	}
}
