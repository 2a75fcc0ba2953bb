import { setTimeout as pause } from "node:timers/promises";
import { StoreError } from "./store-error.ts";

/** How long a statement is silent before the server is asked whether it is there. */
const PAUSE_MS = 2000;
const PING_PATIENCE_MS = 3000;
/** One may be lost, or meet a server or a process of ours that is busy. */
const MISSED_PINGS = 2;

/**
 * Tells a server that hangs from one that works: both keep the connection open and say nothing. As long as a statement
 * is under way the server is asked for a sign of life on a connection of its own, and when it gives none twice,
 * everybody who waits for it is told, some eight seconds after it fell silent.
 */
export class ServerPulse {
	readonly #ping: (signal: AbortSignal) => Promise<unknown>;
	readonly #waiting = new Set<() => void>();
	#isBeating = false;

	readonly #pauseMs: number;
	readonly #patienceMs: number;

	/** @param ping settles when the server said anything; rejects when the signal aborts it */
	constructor(
		ping: (signal: AbortSignal) => Promise<unknown>,
		{ pauseMs = PAUSE_MS, patienceMs = PING_PATIENCE_MS }: { pauseMs?: number; patienceMs?: number } = {},
	) {
		this.#ping = ping;
		this.#pauseMs = pauseMs;
		this.#patienceMs = patienceMs;
	}

	/**
	 * What `task` resolves to.
	 * @param task stops when its signal aborts
	 * @throws {StoreError} STORE_UNAVAILABLE when the server falls silent; whatever `task` rejects with before
	 */
	async during<Result>(task: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
		const abort = new AbortController();
		const silent = Promise.withResolvers<never>();
		const giveUp = () => {
			silent.reject(
				new StoreError(
					"STORE_UNAVAILABLE",
					"ClickHouse does not answer: it takes requests and says nothing; see whether it hangs",
				),
			);
			abort.abort();
		};
		this.#waiting.add(giveUp);
		void this.#beat();
		try {
			return await Promise.race([task(abort.signal), silent.promise]);
		} finally {
			this.#waiting.delete(giveUp);
		}
	}

	async #beat(): Promise<void> {
		if (this.#isBeating) return;
		this.#isBeating = true;
		while (this.#waiting.size > 0) {
			// No process lives for it: a statement that is under way keeps its own connection.
			await pause(this.#pauseMs, undefined, { ref: false });
			let missed = 0;
			while (this.#waiting.size > 0 && missed < MISSED_PINGS) {
				if (await this.#answers()) break;
				missed++;
			}
			if (missed === MISSED_PINGS) {
				for (const giveUp of this.#waiting) giveUp();
			}
		}
		this.#isBeating = false;
	}

	/** A refused connection is an answer: the statement itself gets it, too. */
	async #answers(): Promise<boolean> {
		const late = AbortSignal.timeout(this.#patienceMs);
		await this.#ping(late).catch(() => undefined);
		return !late.aborted;
	}
}
