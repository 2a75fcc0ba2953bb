import { firstComparisonBreach, type LatencyStream } from "../../../packages/stats/src/test-support/latency-stream.ts";
import { scenario } from "../scenario.ts";

interface MeanGuardrailCell extends Pick<LatencyStream, "changeAtMs" | "factor" | "endMs"> {
	readonly key: string;
	readonly share: number;
}

const MINUTE_MS = 60_000;
/** Not at a start, which would flatter restarts. */
const CHANGE_MS = 20 * MINUTE_MS + 125_000;

/** A guardrail on mean latency with restarts, looked at every 10 s: false alarms, and delays after a change. */
export const meanGuardrail = scenario<MeanGuardrailCell>({
	name: "mean-guardrail",
	effort: 0.2,
	cells: [
		{ key: "nothing changes, 50 %", share: 0.5, changeAtMs: 0, factor: 1, endMs: 20 * MINUTE_MS },
		{ key: "nothing changes, 10 %", share: 0.1, changeAtMs: 0, factor: 1, endMs: 20 * MINUTE_MS },
		{ key: "× 1.5", share: 0.5, changeAtMs: CHANGE_MS, factor: 1.5, endMs: CHANGE_MS + 60 * MINUTE_MS },
		{ key: "× 1.2", share: 0.5, changeAtMs: CHANGE_MS, factor: 1.2, endMs: CHANGE_MS + 60 * MINUTE_MS },
	],
	simulate({ share, changeAtMs, factor, endMs }, { seed }, tally) {
		const delayMs = firstComparisonBreach({ seed, restarts: true, share, changeAtMs, factor, endMs });
		tally.count("breached", Number.isFinite(delayMs));
		if (factor !== 1) tally.keep("delay", Math.min(delayMs, Number.MAX_VALUE));
	},
});
