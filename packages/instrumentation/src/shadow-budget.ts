const MINUTE_MS = 60_000;

/** Share of a minute's calls that may be started at once; the rest are spread, so that quiet hours are seen too. */
const BURST_SHARE = 0.1;

export interface ShadowLimits {
	readonly maxConcurrent: number;
	readonly maxCallsPerMinute: number;
}

/**
 * How many shadow calls one experiment may make in this process: a token bucket that never starts more than
 * `maxCallsPerMinute` in any 60 s, and a count of those under way.
 */
export class ShadowBudget {
	readonly #now: () => number;
	#limits: ShadowLimits;
	#tokens: number;
	#refilledAtMs: number;
	#underWay = 0;

	/** @param now milliseconds of a clock that never goes back */
	constructor(limits: ShadowLimits, now: () => number) {
		this.#now = now;
		this.#limits = limits;
		this.#tokens = burst(limits);
		this.#refilledAtMs = now();
	}

	/**
	 * Takes leave to start one call; every leave is given back with `release`.
	 * @param limits those of the bundle in force, which may have changed
	 */
	take(limits: ShadowLimits): boolean {
		const nowMs = this.#now();
		const { maxCallsPerMinute } = this.#limits;
		// With bursts of b, a refill of (n − b + 1) a minute starts at most n in any 60 s.
		const perMs = (maxCallsPerMinute - burst(this.#limits) + 1) / MINUTE_MS;
		const refilled = this.#tokens + (nowMs - this.#refilledAtMs) * perMs;
		this.#limits = limits;
		this.#tokens = Math.min(burst(limits), refilled);
		this.#refilledAtMs = nowMs;
		if (this.#tokens < 1 || this.#underWay >= limits.maxConcurrent) return false;
		this.#tokens--;
		this.#underWay++;
		return true;
	}

	release(): void {
		this.#underWay--;
	}
}

function burst({ maxCallsPerMinute }: ShadowLimits): number {
	return Math.max(1, Math.floor(maxCallsPerMinute * BURST_SHARE));
}
