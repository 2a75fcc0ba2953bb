import { expect, test } from "vitest";
import { analyzeExperiment } from "./analyze-experiment.ts";
import { intervalLevel } from "./interval-level.ts";
import { treatmentPairs } from "./pair.ts";
import { experimentOf, momentsOf, totalsOf } from "./test-support.ts";

const store = {
	metricTotals: async () =>
		totalsOf({
			control: { units: 40, feedback: momentsOf(Array.from({ length: 40 }, (_, unit) => unit % 2)) },
			friendly: { units: 40, feedback: momentsOf(Array.from({ length: 40 }, (_, unit) => unit % 2)) },
		}),
	sumsSinceStarts: async () => [],
	arrivalTimes: async () => [],
	segmentTotals: async () => [],
	evidenceHealth: async () => [],
	strayUnits: async () => ({ units: 0, onlyUnknownUnits: 0, variants: [] }),
	violationWindows: async () => [],
	listDecisions: async () => [],
	lastCallStart: async () => null,
};

test("the level is that of the comparison with one of several treatments; a hybrid's is watched at half of alpha", async () => {
	const third = { key: "short", version: "3.0.0" };
	for (const inference of ["always-valid", "hybrid"] as const) {
		const two = experimentOf({ inference, alpha: 0.05 });
		const experiment = experimentOf({ inference, alpha: 0.05, variants: [...two.variants, third] });
		const results = await analyzeExperiment({ store, experiment, now: new Date("2026-11-20T12:00:00Z") });
		const [pair] = treatmentPairs(experiment);
		expect(1 - intervalLevel(results)).toBeCloseTo(pair!.alpha / (inference === "hybrid" ? 2 : 1), 12);
	}
	expect(intervalLevel({ alpha: 0.05, inference: "always-valid", variants: [1, 2] })).toBeCloseTo(0.95, 12);
});
