import { setTimeout as pause } from "node:timers/promises";
import type { Store } from "@armspan/store";
import type { FastifyBaseLogger } from "fastify";

/** How long an answer is waited for, and how long there may be none before the store is away. */
const WAIT_MS = 1000;
const PATIENCE_MS = 5000;

export interface StoreProbeOptions {
	store: Pick<Store, "ping">;
	logger: FastifyBaseLogger;
	/** Milliseconds of a monotonic clock. */
	elapsedMs?: () => number;
	/** @default 1000 */
	waitMs?: number;
}

/** Whether the store answers; who asks does not wait for one that hangs. */
export class StoreProbe {
	readonly #options: StoreProbeOptions;
	readonly #elapsedMs: () => number;
	#isReachable = true;
	/** A question that is not answered yet, and since when. */
	#pending: { readonly sinceMs: number; readonly answered: Promise<void> } | undefined;

	constructor(options: StoreProbeOptions) {
		this.#options = options;
		this.#elapsedMs = options.elapsedMs ?? (() => performance.now());
	}

	/** Within a second. A store that is silent for less than five is what it was before: it may be busy. */
	async isReachable(): Promise<boolean> {
		this.#pending ??= { sinceMs: this.#elapsedMs(), answered: this.#ask() };
		const { sinceMs, answered } = this.#pending;
		await Promise.race([answered, pause(this.#options.waitMs ?? WAIT_MS, undefined, { ref: false })]);
		return this.#isReachable && (this.#pending === undefined || this.#elapsedMs() - sinceMs < PATIENCE_MS);
	}

	async #ask(): Promise<void> {
		try {
			await this.#options.store.ping();
			this.#isReachable = true;
		} catch (error) {
			this.#isReachable = false;
			this.#options.logger.error({ err: error }, "the evidence store does not answer");
		} finally {
			this.#pending = undefined;
		}
	}
}
