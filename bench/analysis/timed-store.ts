import type { Store } from "@armspan/store";

interface Took {
	readonly ms: number;
	/** Of all threads: says more than the clock on a machine that is shared. */
	readonly cpuMs: number;
}

/** A store that remembers what each question took. Questions are put one at a time. */
export class TimedStore {
	readonly store: Store;
	#took = new Map<string, Took[]>();

	constructor(store: Store) {
		this.store = new Proxy(store, {
			get: (target, name) => {
				const value: unknown = Reflect.get(target, name, target);
				if (typeof value !== "function") return value;
				return (...args: unknown[]) => this.measure(String(name), () => value.apply(target, args) as Promise<unknown>);
			},
		});
	}

	/** Runs a task, and remembers what it took. */
	async measure<Result>(name: string, task: () => Promise<Result>): Promise<Result> {
		const startedAt = performance.now();
		const cpu = process.cpuUsage();
		const result = await task();
		const { user, system } = process.cpuUsage(cpu);
		const took = { ms: performance.now() - startedAt, cpuMs: (user + system) / 1000 };
		this.#took.set(name, [...(this.#took.get(name) ?? []), took]);
		return result;
	}

	/** What was measured so far was practice. */
	forget(): void {
		this.#took = new Map();
	}

	/** `ms` and `cpuMs` by question. */
	medians(): Record<string, Took> {
		return Object.fromEntries(
			[...this.#took].map(([name, all]) => [name, { ms: median(all, "ms"), cpuMs: median(all, "cpuMs") }]),
		);
	}
}

function median(all: readonly Took[], of: keyof Took): number {
	const sorted = all.map((took) => took[of]).sort((a, b) => a - b);
	return Math.round(sorted[sorted.length >> 1] ?? 0);
}
