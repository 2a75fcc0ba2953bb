import type { ExperimentResults } from "@armspan/schema";
import { expect, test } from "vitest";
import { resultsCsv } from "../evidence/results-csv.ts";
import { describeChange, renderResults, renderResultsLine } from "./render-results.ts";

const notEstimable = {
	kind: "not-estimable",
	reason: "too-few-units",
	message: "The smaller arm has 9 of the 50 units it needs.",
} as const;

const variant = { quarantinedCalls: 0, errorTypes: [] };
const perCall = {
	description: "",
	per: "call" as const,
	...{ units: {}, designEffects: {}, winsorized: null, pairwise: [], cacheAdjusted: [], trend: [], caveats: [] },
};
const atEveryLook = {
	...({ against: "control", alpha: 0.05, basis: "always-valid", look: null, adjustment: null } as const),
	looks: [],
};

const results: ExperimentResults = {
	schemaVersion: 1,
	experiment: "tone",
	iteration: 1,
	status: "running",
	unit: "user",
	alpha: 0.05,
	...{ inference: "always-valid", plannedUnits: 5000, maturationHours: null, newestEvaluationAt: null },
	...{ unknownVariants: [], immatureUnits: 0, days: [], warnings: [], segments: [] },
	computedAt: "2026-11-20T10:00:00.000Z",
	newestCallAt: null,
	closedAtRevision: null,
	closedAt: null,
	variants: [
		{ key: "control", version: "1.0.0", weight: 1, units: 910, calls: 1502, undeliveredCalls: 0, ...variant },
		{ key: "friendly", version: "2.0.0", weight: 1, units: 981, calls: 1648, undeliveredCalls: 0, ...variant },
	],
	excludedUnits: 0,
	sampleRatioMismatch: { kind: "estimated", pValue: 1, mismatch: false },
	metrics: [
		{
			...perCall,
			kind: "mean",
			metric: "feedback",
			role: "primary",
			direction: "increase",
			unit: "score",
			estimates: {
				control: { kind: "estimated", value: 0.519, standardError: 0.01 },
				friendly: { kind: "estimated", value: 0.635, standardError: 0.01 },
			},
			observations: { control: 500, friendly: 600 },
			comparisons: [
				{
					...atEveryLook,
					variant: "friendly",
					absoluteEffect: { kind: "estimated", value: 0.116, lower: 0.012, upper: 0.22 },
					relativeEffect: { kind: "estimated", value: 0.224, lower: -0.001, upper: 0.45 },
					pValue: 0.01,
					conclusion: "better",
				},
			],
		},
		{
			...perCall,
			kind: "proportion",
			metric: "error-rate",
			role: "guardrail",
			direction: "decrease",
			unit: "share",
			estimates: { control: { kind: "estimated", value: 0.0113, standardError: 0.01 }, friendly: notEstimable },
			observations: { control: 1502, friendly: 0 },
			comparisons: [
				{
					...atEveryLook,
					variant: "friendly",
					absoluteEffect: notEstimable,
					relativeEffect: notEstimable,
					pValue: null,
					conclusion: "too-few",
				},
			],
		},
	],
	guardrails: [],
	verdict: {
		kind: "ship",
		sentence: "friendly may be shipped: better than control in feedback.",
		reasons: [
			{ rule: "all-requirements-shown", variant: "friendly", metric: null, message: "It is shown (p = 0.010)." },
			{ rule: "planned-units-reached", variant: null, metric: null, message: "1891 units have come." },
		],
		treatments: [],
	},
	decisions: [],
};

test("the interval that is shown is the one that the conclusion is drawn from", () => {
	const line = renderResults(results).find((text) => text.startsWith("feedback"));
	expect(line).toMatch(/ better +\+22\.4 % {3}\+0\.116 {2}\[\+0\.012, \+0\.220\]$/);
});

test("what cannot be estimated is words, never a number", () => {
	const line = renderResults(results).find((text) => text.startsWith("error rate"));
	expect(line).toContain("1.13 %");
	expect(line).toContain("none yet");
	expect(line).toContain("The smaller arm has 9 of the 50 units it needs.");
	expect(line).toContain(" too few ");
});

test("a metric whose query failed says so, not that units are few", () => {
	const failed = structuredClone(results);
	const metric = failed.metrics[1]!;
	const why = { kind: "not-estimable", reason: "source-failed", message: "Its query gave no value: refused." } as const;
	metric.estimates = { control: why, friendly: why };
	metric.comparisons = [
		{ ...metric.comparisons[0]!, absoluteEffect: why, relativeEffect: why, conclusion: "undecided" },
	];
	const line = renderResults(failed).find((text) => text.startsWith("error rate"));
	expect(line).toMatch(/ failed +failed +failed +Its query gave no value: refused\.$/);
});

test("an open bound is shown as open, a difference of shares in percentage points", () => {
	const open = structuredClone(results);
	const metric = open.metrics[1]!;
	metric.comparisons[0] = {
		...atEveryLook,
		variant: "friendly",
		absoluteEffect: { kind: "estimated", value: -0.0136, lower: null, upper: 0.01 },
		relativeEffect: { kind: "not-estimable", reason: "zero-baseline", message: "none" },
		pValue: 1,
		conclusion: "undecided",
	};
	expect(renderResults(open).find((text) => text.startsWith("error rate"))).toContain("−1.36 pp  [−∞, +1.00 pp]");
});

test("one line for logs", () => {
	expect(renderResultsLine(results)).toBe(
		"units control 910, friendly 981; feedback +22.4 %   +0.116  [+0.012, +0.220]; ship",
	);
});

test("the verdict comes with its reasons, and says whom they are about", () => {
	expect(renderResults(results).slice(-3)).toEqual([
		"verdict: SHIP. friendly may be shipped: better than control in feedback.",
		"  all-requirements-shown (friendly): It is shown (p = 0.010).",
		"  planned-units-reached: 1891 units have come.",
	]);
});

test("what the sentence on a halt says already is not said again", () => {
	const halted = structuredClone(results);
	halted.verdict = {
		kind: "halted",
		sentence: "Halted by a person.",
		reasons: [{ rule: "halted", variant: null, metric: null, message: "The experiment file says so." }],
		treatments: [],
	};
	expect(renderResults(halted).at(-1)).toBe("verdict: HALTED. Halted by a person.");
});

test.each([
	["score", "0 %   0  [−0.100, +0.100]"],
	["share", "0 %   0 pp  [−10.00 pp, +10.00 pp]"],
	["ms", "0 %   0 ms  [−0.1 ms, +0.1 ms]"],
])("what is rounded to 0 has no sign: %s", (unit, shown) => {
	const absoluteEffect = { kind: "estimated", value: -0.00004, lower: -0.1, upper: 0.1 } as const;
	const relativeEffect = { kind: "estimated", value: -0.0001, lower: -1, upper: 1 } as const;
	expect(describeChange({ absoluteEffect, relativeEffect }, unit).trim()).toBe(shown);
});

test.each([
	["score", 0.00016, "[+0.0002, +0.173]"],
	["score", -0.0004, "[−0.0004, +0.173]"],
	["share", 0.0000004, "[+0.00004 pp, +17.30 pp]"],
	["ms", 0.03, "[+0.03 ms, +0.2 ms]"],
	["usd", 0.0000004, "[+$4.00e-7, +$0.173]"],
	["score", -1e-30, "[−1e-30, +0.173]"],
	["score", 0, "[0, +0.173]"],
])("a bound that is not 0 is not shown as 0: %s %d", (unit, lower, shown) => {
	const effect = { kind: "estimated", value: 0.08, lower, upper: 0.173 } as const;
	expect(describeChange({ absoluteEffect: effect, relativeEffect: effect }, unit)).toContain(shown);
});

test("pairs of treatments are shown, with the alpha that they share", () => {
	const [feedback, ...others] = results.metrics;
	const [comparison] = feedback?.comparisons ?? [];
	if (feedback === undefined || comparison === undefined) throw new Error("nothing is compared");
	const pair = { ...comparison, variant: "terse", against: "friendly", alpha: 0.05 / 3 };
	const lines = renderResults({ ...results, metrics: [{ ...feedback, pairwise: [pair] }, ...others] });
	expect(lines).toContainEqual(
		expect.stringMatching(/^pairs of treatments, each at alpha 0\.0167: 0\.05 shared among/),
	);
	expect(lines).toContainEqual(
		expect.stringMatching(/^feedback +terse against friendly +better .*\[\+0\.012, \+0\.220\]$/),
	);
	expect(renderResults(results).join("\n")).not.toContain("pairs of treatments");
	const [header = "", ...rows] = resultsCsv({ ...results, metrics: [{ ...feedback, pairwise: [pair] }] }).split(
		/\r?\n/,
	);
	const column = header.split(",").indexOf("alpha");
	expect(rows.slice(0, 3).map((row) => row.split(",")[column])).toEqual(["", "0.05", "0.016666666666666666"]);
});

test("a change that a planned look gave says of how many units it is", () => {
	const [first, ...others] = results.metrics;
	const look = { number: 1, of: 1, units: 600, evidenceUntil: "2026-11-20T09:00:00.000Z", final: true };
	const [comparison] = first?.comparisons ?? [];
	if (first === undefined || comparison === undefined) throw new Error("nothing is compared");
	const planned = { ...first, comparisons: [{ ...comparison, basis: "fixed" as const, look }] };
	const lines = renderResults({ ...results, inference: "fixed", metrics: [planned, ...others] });
	expect(lines.find((line) => line.startsWith("feedback"))).toMatch(/ {3}at 600 units$/);
	expect(lines).toContainEqual(expect.stringMatching(/^columns of arms: all units that count now/));
	expect(lines).toContain("look 1 of 1: 600 units, evidence until 2026-11-20T09:00:00.000Z");
	expect(renderResults(results).join(" ")).not.toContain("columns of arms");
	const [header = "", , friendly = ""] = resultsCsv({ ...results, inference: "fixed", metrics: [planned] }).split(
		/\r?\n/,
	);
	const cells = Object.fromEntries(header.split(",").map((name, index) => [name, friendly.split(",")[index]]));
	expect(cells).toMatchObject({ variant: "friendly", look: "1", look_units: "600" });
});

test("looks of the primary metric are shown one by one, and those that were not tested too", () => {
	const [first, ...others] = results.metrics;
	const [comparison] = first?.comparisons ?? [];
	if (first === undefined || comparison === undefined) throw new Error("nothing is compared");
	const at = (number: number) => ({
		...{ number, of: 3, units: 200 * number, evidenceUntil: `2026-11-20T0${number}:00:00.000Z`, final: number === 3 },
	});
	const test = (basis: "joint" | "union", number: number, zScore: number, bound: number) => ({
		...{ ...at(number), kind: "tested" as const, spendingTime: number / 3, informationRatio: 1, zScore, bound, basis },
	});
	const looks = [
		{ ...at(1), kind: "not-tested" as const, reason: "too-few-units", message: "Nine units." },
		test("joint", 2, -0.5, 3.71),
		test("union", 3, 1.746, 2.163),
	];
	const planned = {
		...first,
		comparisons: [{ ...comparison, basis: "group-sequential" as const, look: at(3), looks }],
	};
	const lines = renderResults({ ...results, inference: "group-sequential", metrics: [planned, ...others] });
	expect(lines.filter((line) => line.startsWith("feedback of friendly"))).toEqual([
		"feedback of friendly at look 1 of 3, 200 units: not tested; Nine units.",
		"feedback of friendly at look 2 of 3, 400 units: z −0.50, bound ±3.71",
		"feedback of friendly at look 3 of 3, 600 units: z +1.75, bound ±2.16, tested alone: no more information, or values of units have grown",
	]);
});
