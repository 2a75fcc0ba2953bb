import {
	DEFAULT_STREAM,
	firstBreachMs,
	type ViolationStream,
} from "../../../packages/stats/src/test-support/violation-stream.ts";
import { scenario } from "../scenario.ts";

/** As guardrails of @armspan/analysis have it. */
const PRODUCT = { ...DEFAULT_STREAM, priorStrength: 4 };
export const BASE_RATE = 0.01;
export const CHANGED_RATES = [0.3, 0.05, 0.03] as const;
export const EARLIER_CALLS = [0, 20, 300] as const;
export const WATCHED_MS = { 0.3: 120_000, 0.05: 900_000, 0.03: 1_800_000 } as const;

interface DelayCell extends Pick<ViolationStream, "requestsBefore" | "changedRate" | "lastsMs"> {
	readonly key: string;
}

/** An error rate that rises: how long until the guardrail halts? */
export const guardrailDelay = scenario<DelayCell>({
	name: "guardrail-delay",
	effort: 0.2,
	cells: CHANGED_RATES.flatMap((changedRate) =>
		EARLIER_CALLS.map((requestsBefore) => ({
			key: `${100 * changedRate} % after ${requestsBefore}`,
			requestsBefore,
			changedRate,
			lastsMs: WATCHED_MS[changedRate],
		})),
	),
	simulate({ requestsBefore, changedRate, lastsMs }, { seed }, tally) {
		const stream = { ...PRODUCT, requestsBefore, changedRate, lastsMs, fromChange: true, seed };
		const delayMs = firstBreachMs(stream);
		tally.keep("restarts", delayMs ?? Number.MAX_VALUE);
		// Those within the time watched; "never" shows in the quantiles and in this count.
		tally.count("restarts, found", delayMs !== null);
		if (delayMs !== null) tally.add("restarts, s", delayMs / 1000);
		// What there is to gain: on the same calls, one start that remembers every earlier violation.
		tally.keep("one start", firstBreachMs({ ...stream, scales: undefined }) ?? Number.MAX_VALUE);
	},
});

interface AlarmCell {
	readonly key: string;
	readonly lastsMs: number;
}

const HOUR_MS = 3_600_000;

/** Nothing changes: how often does the guardrail halt all the same? */
export const guardrailAlarms = scenario<AlarmCell>({
	name: "guardrail-alarms",
	effort: 0.2,
	cells: [
		{ key: "1 h", lastsMs: HOUR_MS },
		{ key: "8 h", lastsMs: 8 * HOUR_MS },
	],
	simulate({ lastsMs }, random, tally) {
		const stream = { ...PRODUCT, requestsBefore: 0, changedRate: BASE_RATE, lastsMs, seed: random.seed };
		tally.count("restarts", firstBreachMs(stream) !== null);
		tally.count("one start", firstBreachMs({ ...stream, scales: undefined }) !== null);
		tally.count("peeked z-test", peekedAlarm(lastsMs));

		/** Requests counted as units, one-sided 5 %, every 10 s; the same law of calls. */
		function peekedAlarm(until: number): boolean {
			let [treatment, control, calls] = [0, 0, 0];
			for (let nowMs = 0; nowMs < until; nowMs += 10_000) {
				calls += 250;
				treatment += random.binomial(250, BASE_RATE);
				control += random.binomial(250, BASE_RATE);
				const rate = (treatment + control) / (2 * calls);
				if (treatment - control > 1.644854 * Math.sqrt(2 * calls * rate * (1 - rate))) return true;
			}
			return false;
		}
	},
});
