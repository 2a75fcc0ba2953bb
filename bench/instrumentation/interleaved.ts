/** One way to make a call. */
export interface Case {
	readonly name: string;
	/** Case whose time is subtracted; none for a base. */
	readonly base?: string;
	/** Spans that a call makes, 1 unless said. */
	readonly spans?: number;
	/** Prompt that they must name. */
	readonly tag?: string;
	/** Before each slice; not timed. */
	prepare?(): void;
	/** One call. Every case is awaited, so that a promise more or less is not hidden. */
	call(user: string): Promise<unknown>;
}

/** µs per call, one number per round. */
export type Samples = ReadonlyMap<Case, readonly number[]>;

/** V8 has compiled what there is to compile. */
const WARM_UP_ROUNDS = 60;
/** At the start of each slice: its code and data come back into the processor's caches. */
const UNTIMED_CALLS = 5;

/** @param calls made by a case in one slice: so few that most slices of a busy machine are not interrupted */
export async function interleave(cases: readonly Case[], rounds: number, calls: number): Promise<Samples> {
	const samples = new Map(cases.map((one) => [one, [] as number[]]));
	let user = 0;
	for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
		// In another order each time: what runs after a case that is unlike it finds colder caches.
		for (const one of shuffled(cases)) {
			one.prepare?.();
			// They come back, as a busy process's users do.
			const users = Array.from({ length: calls + UNTIMED_CALLS }, () => `user-${user++ % 5_000}`);
			for (const id of users.splice(0, UNTIMED_CALLS)) await one.call(id);
			const startedAt = performance.now();
			for (const id of users) await one.call(id);
			const elapsedMs = performance.now() - startedAt;
			if (round >= 0) samples.get(one)!.push((elapsedMs * 1000) / calls);
			// What a case left for later is not the next one's.
			await new Promise((resolve) => setImmediate(resolve));
		}
	}
	return samples;
}

function shuffled(cases: readonly Case[]): Case[] {
	return cases
		.map((one) => ({ one, place: Math.random() }))
		.sort((a, b) => a.place - b.place)
		.map(({ one }) => one);
}

/** µs that a case adds to another, in each round. */
export function added(samples: Samples, name: string, base: string): readonly number[] {
	const of = (wanted: string) => {
		const found = [...samples].find(([one]) => one.name === wanted);
		if (found === undefined)
			throw new Error(`no case "${wanted}"; expected one of ${[...samples.keys()].map((one) => one.name)}`);
		return found[1];
	};
	const before = of(base);
	return of(name).map((value, round) => value - before[round]!);
}

export function quantile(values: readonly number[], share: number): number {
	const sorted = values.toSorted((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}
