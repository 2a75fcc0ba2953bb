import { firstViolationEProcess } from "../first-violation-e-process.ts";
import { DEFAULT_RESTART_SCALES, type RestartScale, restartSchedule } from "../restart-schedule.ts";
import { seededRandom } from "./seeded-random.ts";

export interface ViolationStream {
	readonly seed: number;
	readonly users: number;
	readonly requestsPerSecond: number;
	/** Earlier requests a user before treatment's error rate changes; then up to a minute more, by chance. */
	readonly requestsBefore: number;
	/** Treatment's error rate from then on; control and everything before: 1 %. */
	readonly changedRate: number;
	/** How long it is watched after the change. */
	readonly lastsMs: number;
	readonly alpha: number;
	readonly rateRatioMargin: number;
	readonly priorStrength: number;
	/** Undefined: one start alone, e ≥ 1/α. */
	readonly scales: readonly RestartScale[] | undefined;
	/** 1: every user asks as often; above: some ask more than others. */
	readonly skew: number;
	/** Look only after the change; without it false alarms before the change are negative delays. */
	readonly fromChange: boolean;
}

export const DEFAULT_STREAM: Omit<ViolationStream, "seed"> = {
	users: 3000,
	requestsPerSecond: 50,
	requestsBefore: 20,
	changedRate: 0.3,
	lastsMs: 120_000,
	alpha: 0.05,
	rateRatioMargin: 1,
	priorStrength: 10,
	scales: DEFAULT_RESTART_SCALES,
	skew: 1,
	fromChange: false,
};

const BASE_RATE = 0.01;
/** By design, then by violations of treatment and of control. */
const known = new Map<string, number[][]>();

/**
 * Time from the change to the first breach in ms, looked at after every violation; null without one. Equal arms.
 * It follows the definition of the method (a violation counts for the starts since which its user had none), not the
 * suffix sums by which the product counts.
 */
export function firstBreachMs(stream: ViolationStream): number | null {
	const random = seededRandom(stream.seed);
	const { users, scales } = stream;
	const changeAtMs =
		(stream.requestsBefore * users * 1000) / stream.requestsPerSecond +
		(stream.requestsBefore > 0 ? random.uniform() * 60_000 : 0);
	const lastViolationMs = new Float64Array(users).fill(Number.NEGATIVE_INFINITY);
	// By start: plain arrays, since simulations spend their time here.
	const counts = { treatment: [] as number[], control: [] as number[] };
	const logEValue = logEValuesOf(stream);
	const single = [{ start: 1, startedAtMs: 0, weight: 1 }];
	let schedule = single;
	let scheduledTo = Number.NEGATIVE_INFINITY;
	const finestMs = Math.min(...(scales ?? []).map(({ intervalMs }) => intervalMs));
	const [betweenMs, endMs] = [1000 / stream.requestsPerSecond, changeAtMs + stream.lastsMs];
	const firstChanged = Math.ceil(changeAtMs / betweenMs);
	const highestRate = Math.max(BASE_RATE, stream.changedRate);
	// From one call that may fail to the next: gaps are geometric, and what is too many is thinned out again.
	let call = -1;
	for (;;) {
		const rate = call + 1 >= firstChanged ? highestRate : BASE_RATE;
		const next = call + Math.max(1, Math.ceil(Math.log(random.uniform()) / Math.log1p(-rate)));
		// The change makes failures likelier: they are drawn anew from there on, as gaps have no memory.
		const crosses = call + 1 < firstChanged && next >= firstChanged;
		call = crosses ? firstChanged - 1 : next;
		if (crosses) continue;
		const nowMs = call * betweenMs;
		if (nowMs >= endMs) return null;
		const user = Math.floor(users * random.uniform() ** stream.skew);
		const arm = user % 2 === 0 ? "treatment" : "control";
		const changed = call >= firstChanged;
		const failing = arm === "treatment" && changed ? stream.changedRate : BASE_RATE;
		if (!random.bernoulli(failing / rate)) continue;
		if (scales !== undefined && nowMs >= scheduledTo) {
			schedule = restartSchedule({ iterationStartedAtMs: 0, nowMs, scales });
			scheduledTo = (Math.floor(nowMs / finestMs) + 1) * finestMs;
		}
		for (const { start, startedAtMs, weight } of schedule) {
			if (lastViolationMs[user]! >= startedAtMs) continue;
			counts[arm][start] = (counts[arm][start] ?? 0) + 1;
			if (arm === "treatment" && (changed || !stream.fromChange)) {
				if (logEValue(counts.treatment[start]!, counts.control[start] ?? 0) >= -Math.log(stream.alpha * weight))
					return nowMs - changeAtMs;
			}
		}
		lastViolationMs[user] = nowMs;
	}
}

/** The same few counts come again and again. */
function logEValuesOf({ rateRatioMargin, priorStrength }: ViolationStream) {
	const design = { treatmentShare: 0.5, rateRatioMargin, priorStrength };
	const key = `${rateRatioMargin},${priorStrength}`;
	const values = known.get(key) ?? [];
	known.set(key, values);
	return (treatment: number, control: number): number => {
		values[treatment] ??= [];
		const row = values[treatment];
		row[control] ??= firstViolationEProcess({ treatment, control }, design).logEValue;
		return row[control];
	};
}
