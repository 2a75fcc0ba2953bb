import { compareRatios, notEstimable } from "@armspan/stats";
import { expect, test } from "vitest";
import type { ComparedMetric } from "./compare-metric.ts";
import type { PairComparison, PairOutcome } from "./compare-pair.ts";
import { primaryEvidence } from "./primary-evidence.ts";
import { experimentOf } from "./test-support.ts";

const comparison = (effect: number, pValue: number): PairComparison => {
	const sums = { units: 100, sumY: 50, sumN: 100, sumYY: 50, sumNN: 100, sumYN: 50 };
	const compared = compareRatios({ control: sums, treatment: sums, alpha: 0.05, plannedUnits: 200, plannedShare: 0.5 });
	if (compared.kind !== "estimated") throw new Error(compared.message);
	const shown = pValue <= 0.05 ? (Math.sign(effect) as -1 | 0 | 1) : 0;
	const { kind, absoluteEffect, relativeEffect } = compared;
	return {
		...{ kind, relativeEffect, pValue, shown, look: null, looks: [], adjustment: null },
		absoluteEffect: { ...absoluteEffect, value: effect },
	};
};
const comparedAs = (metric: "feedback" | "error-rate", comparisons: Record<string, PairOutcome>) => [
	{ result: { metric }, comparisons: new Map(Object.entries(comparisons)) } as unknown as ComparedMetric,
];

test("evidence is for the direction of the effect, and none for the other", () => {
	const up = primaryEvidence(experimentOf(), comparedAs("feedback", { friendly: comparison(0.1, 0.03) }));
	expect(up("friendly")).toEqual({ kind: "estimated", betterPValue: 0.03, worsePValue: 1 });
	const down = primaryEvidence(experimentOf(), comparedAs("feedback", { friendly: comparison(-0.1, 0.03) }));
	expect(down("friendly")).toEqual({ kind: "estimated", betterPValue: 1, worsePValue: 0.03 });
});

test("less is better where the metric says so", () => {
	const experiment = experimentOf({ primaryMetric: { metric: "error-rate", minimumDetectableEffect: 0.1 } });
	const evidence = primaryEvidence(experiment, comparedAs("error-rate", { friendly: comparison(-0.1, 0.03) }));
	expect(evidence("friendly")).toEqual({ kind: "estimated", betterPValue: 0.03, worsePValue: 1 });
});

test("no effect at all is evidence for nothing", () => {
	const evidence = primaryEvidence(experimentOf(), comparedAs("feedback", { friendly: comparison(0, 1) }));
	expect(evidence("friendly")).toEqual({ kind: "estimated", betterPValue: 1, worsePValue: 1 });
});

test("several treatments pay for their number, also those of which nothing is known yet", () => {
	const evidence = primaryEvidence(
		experimentOf(),
		comparedAs("feedback", {
			friendly: comparison(0.1, 0.01),
			warm: comparison(0.1, 0.03),
			terse: comparison(-0.1, 0.02),
			fresh: notEstimable("too-few-units", "Eleven units."),
		}),
	);
	expect(evidence("friendly")).toEqual({ kind: "estimated", betterPValue: 0.04, worsePValue: 1 });
	expect(evidence("warm")).toEqual({ kind: "estimated", betterPValue: 0.09, worsePValue: 1 });
	expect(evidence("terse")).toEqual({ kind: "estimated", betterPValue: 1, worsePValue: 0.08 });
	expect(evidence("fresh")).toEqual(notEstimable("too-few-units", "Eleven units."));
});
