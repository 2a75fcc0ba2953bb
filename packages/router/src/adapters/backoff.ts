const FLOOR_MS = 50;

/** Exponential back-off with full jitter: many clients that fail together do not come back together. */
export class Backoff {
	readonly #baseMs: number;
	readonly #capMs: number;
	readonly #random: () => number;
	#failures = 0;

	constructor(baseMs: number, capMs: number, random: () => number) {
		this.#baseMs = baseMs;
		this.#capMs = capMs;
		this.#random = random;
	}

	/** Milliseconds until the next attempt. */
	nextMs(): number {
		const limitMs = Math.min(this.#capMs, this.#baseMs * 2 ** Math.min(this.#failures, 30));
		this.#failures++;
		return FLOOR_MS + this.#random() * limitMs;
	}

	reset(): void {
		this.#failures = 0;
	}
}
