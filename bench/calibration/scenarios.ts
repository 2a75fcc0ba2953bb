import type { Scenario } from "./scenario.ts";
import { bestArm } from "./scenarios/best-arm.ts";
import { boundedMeans } from "./scenarios/bounded-means.ts";
import { meanCoverage, proportionCoverage, quantileCoverage, ratioCoverage } from "./scenarios/coverage.ts";
import { cupedWatch } from "./scenarios/cuped-watch.ts";
import { falsePositives } from "./scenarios/false-positives.ts";
import { groupSequentialInformation } from "./scenarios/group-sequential-information.ts";
import { guardrailAlarms, guardrailDelay } from "./scenarios/guardrail.ts";
import { meanGuardrail } from "./scenarios/mean-guardrail.ts";
import { plannedLooks, plannedLooksPower } from "./scenarios/planned-looks.ts";
import { plannedPower } from "./scenarios/planned-power.ts";
import { powerBySplit } from "./scenarios/power-by-split.ts";
import { sampleRatio } from "./scenarios/sample-ratio.ts";
import { sequentialQuantiles } from "./scenarios/sequential-quantiles.ts";
import { stoppingTime } from "./scenarios/stopping-time.ts";

/** Everything that is simulated, in the order of the report. */
export const SCENARIOS: readonly Scenario[] = [
	falsePositives,
	groupSequentialInformation,
	plannedLooks,
	plannedLooksPower,
	cupedWatch,
	powerBySplit,
	stoppingTime,
	plannedPower,
	meanCoverage,
	ratioCoverage,
	proportionCoverage,
	quantileCoverage,
	sampleRatio,
	sequentialQuantiles,
	bestArm,
	boundedMeans,
	guardrailDelay,
	guardrailAlarms,
	meanGuardrail,
];
