/**
 * How soon do restarts find a change that comes late, and how often do they cry wolf?
 * `node --conditions=armspan-source packages/stats/bench/restart-schedule.ts [STREAMS]`
 */
import { DEFAULT_RESTART_SCALES, type RestartScale } from "../src/restart-schedule.ts";
import { DEFAULT_STREAM, firstBreachMs, type ViolationStream } from "../src/test-support/violation-stream.ts";

const streams = Number(process.argv[2] ?? 200);
const ONE_MINUTE: readonly RestartScale[] = [{ intervalMs: 60_000, keptStarts: 60, share: 1 }];
const DESIGNS: Record<string, Partial<ViolationStream>> = {
	"three scales, k = 4": { priorStrength: 4 },
	"three scales, k = 10": { priorStrength: 10 },
	"every minute, k = 10": { scales: ONE_MINUTE },
	"one start, k = 10": { scales: undefined },
};
const CHANGES: Record<string, Partial<ViolationStream>> = {
	"1 % → 30 %, after 0": { requestsBefore: 0 },
	"1 % → 30 %, after 2": { requestsBefore: 2 },
	"1 % → 30 %, after 20": {},
	"1 % → 30 %, after 300": { requestsBefore: 300 },
	"the same, margin 1.5": { requestsBefore: 300, rateRatioMargin: 1.5 },
	"the same, users of skew 1.3": { requestsBefore: 300, rateRatioMargin: 1.5, skew: 1.3 },
	"1 % → 5 %, after 20": { changedRate: 0.05, lastsMs: 900_000 },
	"1 % → 5 %, after 300": { requestsBefore: 300, changedRate: 0.05, lastsMs: 900_000 },
	"1 % → 3 %, after 20": { changedRate: 0.03, lastsMs: 1_800_000 },
	"1 % → 3 %, after 300": { requestsBefore: 300, changedRate: 0.03, lastsMs: 1_800_000 },
};
const NOTHING = { requestsBefore: 0, changedRate: 0.01, lastsMs: 3_600_000 };

const seconds = (ms: number) => (Number.isFinite(ms) ? (ms / 1000).toFixed(ms < 20_000 ? 1 : 0) : "never");

console.log(`delay in s, median (95 %), ${streams} streams; ${JSON.stringify(DEFAULT_RESTART_SCALES)}\n`);
console.log(`| change | ${Object.keys(DESIGNS).join(" | ")} |`);
console.log(`|---|${"---|".repeat(Object.keys(DESIGNS).length)}`);
for (const [label, change] of Object.entries(CHANGES)) {
	const cells = Object.values(DESIGNS).map((design) => {
		const delays = Array.from(
			{ length: streams },
			(_, seed) =>
				firstBreachMs({ ...DEFAULT_STREAM, fromChange: true, ...change, ...design, seed }) ?? Number.POSITIVE_INFINITY,
		).sort((a, b) => a - b);
		return `${seconds(delays[Math.floor(streams / 2)]!)} (${seconds(delays[Math.ceil(streams * 0.95) - 1]!)})`;
	});
	console.log(`| ${label} | ${cells.join(" | ")} |`);
}
const alarms = Object.values(DESIGNS).map((design) => {
	const count = Array.from({ length: streams }, (_, seed) =>
		firstBreachMs({ ...DEFAULT_STREAM, ...NOTHING, ...design, seed: 70_000 + seed }),
	).filter((delay) => delay !== null).length;
	return `${((100 * count) / streams).toFixed(1)} %`;
});
console.log(`| false alarms within an hour | ${alarms.join(" | ")} |`);
