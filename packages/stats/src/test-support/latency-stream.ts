import { compareOneSided } from "../one-sided-comparison.ts";
import type { RatioSums } from "../ratio-sums.ts";
import { DEFAULT_RESTART_SCALES, restartSchedule } from "../restart-schedule.ts";
import { restartingComparison } from "../restarting-comparison.ts";
import { type SeededRandom, seededRandom } from "./seeded-random.ts";

export interface LatencyStream {
	readonly seed: number;
	readonly restarts: boolean;
	/** Treatment's values are multiplied by `factor` from here on. */
	readonly changeAtMs: number;
	readonly factor: number;
	readonly endMs: number;
	/** @default 3000 */
	readonly users?: number;
	/** Treatment's share of users. @default 0.5 */
	readonly share?: number;
	/** Requests a second. @default 50 */
	readonly rate?: number;
	/** Value of one request of a user of this level. @default lognormal, σ 0.8, ICC about 0.3 on the log scale */
	readonly value?: (random: SeededRandom, level: number) => number;
	readonly direction?: "increase" | "decrease";
	/** Units within which ρ is tuned. @default 1000 */
	readonly plannedUnits?: number;
}

const BUCKET_MS = 10_000;

/** Time from the change to the first breach of a guardrail on the mean, checked every 10 s; Infinity without one. */
export function firstComparisonBreach(stream: LatencyStream): number {
	const { users = 3000, share = 0.5, rate = 50, plannedUnits = 1000, direction = "decrease" } = stream;
	const { value = (random, level) => Math.exp(0.8 * (0.55 * level + 0.835 * random.normal())) } = stream;
	const random = seededRandom(stream.seed * 31 + 5);
	const levels = Array.from({ length: users }, () => random.normal());
	// Running totals of each user, and a copy of them at each start: the difference is what a start has seen.
	const totals = { sums: new Float64Array(users), counts: new Float64Array(users) };
	const atStart = new Map<number, typeof totals>();
	const design = { alpha: 0.05, plannedShare: Math.min(share, 1 - share), direction };
	for (let nowMs = 0; nowMs < stream.endMs; nowMs += BUCKET_MS) {
		const schedule = stream.restarts
			? restartSchedule({ iterationStartedAtMs: 0, nowMs, scales: DEFAULT_RESTART_SCALES })
			: [{ start: 1, startedAtMs: 0, weight: 1 }];
		const kept = new Set(schedule.map(({ start }) => start));
		for (const start of atStart.keys()) if (!kept.has(start)) atStart.delete(start);
		for (const { start } of schedule) {
			if (!atStart.has(start)) atStart.set(start, { sums: totals.sums.slice(), counts: totals.counts.slice() });
		}
		for (let request = 0; request < (rate * BUCKET_MS) / 1000; request++) {
			const user = random.integer(users);
			const treated = user < share * users;
			const atMs = nowMs + (request * 1000) / rate;
			const worse = treated && atMs >= stream.changeAtMs ? stream.factor : 1;
			const observed = worse * value(random, levels[user]!);
			totals.sums[user]! += observed;
			totals.counts[user]!++;
		}
		// Only what comes after the change is asked for, unless nothing changes.
		if (nowMs + BUCKET_MS <= stream.changeAtMs) continue;
		const starts = schedule.map(({ start, weight }) => ({
			start,
			weight,
			...armsOf(totals, atStart.get(start)!, share),
		}));
		const result = stream.restarts
			? restartingComparison({ ...design, plannedUnits, starts })
			: compareOneSided({ ...design, plannedUnits: users, ...starts[0]! });
		const breached = result.kind === "estimated" && ("breached" in result ? result.breached : result.upperBound < 0);
		if (breached) return nowMs + BUCKET_MS - stream.changeAtMs;
	}
	return Number.POSITIVE_INFINITY;
}

interface Totals {
	readonly sums: Float64Array;
	readonly counts: Float64Array;
}

function armsOf(now: Totals, before: Totals, share: number) {
	const users = now.sums.length;
	const treated = Math.ceil(share * users);
	return { treatment: sumsOf(now, before, 0, treated), control: sumsOf(now, before, treated, users) };
}

/** Sums over the users in [from, to), in local variables since simulations spend their time here. */
function sumsOf(now: Totals, before: Totals, from: number, to: number): RatioSums<number> {
	let [units, sumY, sumN, sumYY, sumNN, sumYN] = [0, 0, 0, 0, 0, 0];
	for (let user = from; user < to; user++) {
		const n = now.counts[user]! - before.counts[user]!;
		if (n === 0) continue;
		const y = now.sums[user]! - before.sums[user]!;
		units++;
		sumY += y;
		sumN += n;
		sumYY += y * y;
		sumNN += n * n;
		sumYN += y * n;
	}
	return { units, sumY, sumN, sumYY, sumNN, sumYN };
}
