const FIRST_REST_MS = 60_000;
const LONGEST_REST_MS = 3_600_000;

interface Rest {
	readonly failure: string;
	readonly restMs: number;
	readonly untilMs: number;
}

/**
 * Queries that took too long, and for how long nobody asks them again: a minute, then twice as long each time, up to an
 * hour. Several analyses a minute would otherwise keep a processor busy with what has no answer.
 */
export class SourceRests {
	readonly #elapsedMs: () => number;
	readonly #rests = new Map<string, Rest>();

	/** @param elapsedMs monotonic clock, in milliseconds */
	constructor(elapsedMs: () => number) {
		this.#elapsedMs = elapsedMs;
	}

	/** Why the query is not to be asked now; `null` when it may be. */
	failureOf(query: string): string | null {
		const rest = this.#rests.get(query);
		return rest === undefined || this.#elapsedMs() >= rest.untilMs
			? null
			: `${rest.failure} (it is not asked again for ${rest.restMs / 60_000} min)`;
	}

	tookTooLong(query: string, failure: string): void {
		const restMs = Math.min(LONGEST_REST_MS, 2 * (this.#rests.get(query)?.restMs ?? FIRST_REST_MS / 2));
		this.#rests.set(query, { failure, restMs, untilMs: this.#elapsedMs() + restMs });
	}

	answered(query: string): void {
		this.#rests.delete(query);
	}
}
