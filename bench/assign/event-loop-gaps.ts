import { PerformanceObserver } from "node:perf_hooks";

export interface Gaps {
	/** Longest time between two turns of the event loop. */
	readonly wallMs: number;
	/**
	 * Longest processor time of this thread between two turns: what it would be on a machine with nothing else to do.
	 * Linux counts it in ticks of up to 4 ms.
	 */
	readonly cpuMs: number;
	/** Longest pause of the garbage collector, by the clock; part of the above. */
	readonly collectorMs: number;
}

/** Turns the event loop as fast as it goes and looks at the clocks each time. */
export class EventLoopGaps {
	#wallMs = 0;
	#cpuMs = 0;
	#collectorMs = 0;
	#isStopped = false;
	#lastWallMs = performance.now();
	#lastCpuMs = threadCpuMs();

	readonly #collector = new PerformanceObserver((list) => {
		for (const { duration } of list.getEntries()) this.#collectorMs = Math.max(this.#collectorMs, duration);
	});

	constructor() {
		this.#collector.observe({ entryTypes: ["gc"] });
		setImmediate(() => this.#turn());
	}

	/** The longest gaps since the start or the last time this was asked. */
	take(): Gaps {
		const gaps = { wallMs: this.#wallMs, cpuMs: this.#cpuMs, collectorMs: this.#collectorMs };
		this.#wallMs = 0;
		this.#cpuMs = 0;
		this.#collectorMs = 0;
		return gaps;
	}

	stop(): void {
		this.#isStopped = true;
		this.#collector.disconnect();
	}

	#turn(): void {
		const wallMs = performance.now();
		const cpuMs = threadCpuMs();
		this.#wallMs = Math.max(this.#wallMs, wallMs - this.#lastWallMs);
		this.#cpuMs = Math.max(this.#cpuMs, cpuMs - this.#lastCpuMs);
		this.#lastWallMs = wallMs;
		this.#lastCpuMs = cpuMs;
		if (!this.#isStopped) setImmediate(() => this.#turn());
	}
}

function threadCpuMs(): number {
	const { user, system } = process.threadCpuUsage();
	return (user + system) / 1000;
}
