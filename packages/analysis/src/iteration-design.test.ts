import { expect, test } from "vitest";
import { startDecision } from "./guardrail-decision.ts";
import { changedFields, iterationDesign, recordedDesign } from "./iteration-design.ts";
import { experimentOf } from "./test-support.ts";

const begun = iterationDesign(experimentOf());

test("a design comes back from its start decision, also through JSON", () => {
	const decision = startDecision(
		{ experiment: experimentOf(), experimentDigest: "d", codeVersion: "0", lastRevision: 1 },
		new Date(),
	);
	expect(changedFields(recordedDesign(JSON.parse(JSON.stringify(decision)))!, experimentOf())).toEqual([]);
});

test.each([
	["hypothesis", { hypothesis: "another" }],
	["owner", { owner: "another" }],
	["status", { status: "stopped" }],
	["the gate", { allocation: { enrolled: 0.1 } }],
])("%s may change", (_name, change) => {
	expect(changedFields(begun, experimentOf(change))).toEqual([]);
});

test.each([
	[
		"variants",
		{
			variants: [
				{ key: "control", version: "1.0.0", weight: 9 },
				{ key: "friendly", version: "2.0.0" },
			],
		},
	],
	[
		"variants",
		{
			variants: [
				{ key: "control", version: "1.0.0" },
				{ key: "warm", version: "2.0.0" },
			],
		},
	],
	[
		"variants",
		{
			variants: [
				{ key: "control", version: "1.0.0" },
				{ key: "friendly", version: "2.1.0" },
			],
		},
	],
	["guardrails", { guardrails: [] }],
	["alpha", { alpha: 0.1 }],
	["unit", { unit: "session" }],
	["layer", { layer: "another" }],
])("%s must not change", (field, change) => {
	expect(changedFields(begun, experimentOf(change))).toEqual([field]);
});

test("iterations that were begun before a field existed did not change by it", () => {
	const {
		plannedLooks: _looks,
		metrics: _metrics,
		maturationHours: _hours,
		...before
	} = iterationDesign(experimentOf());
	expect(changedFields(before, experimentOf())).toEqual([]);
	const metric = { key: "mine", source: "calls", kind: "mean", value: "cost", direction: "decrease" };
	expect(changedFields(before, experimentOf({ metrics: [metric] }))).toEqual(["metrics"]);
	expect(changedFields(before, experimentOf({ maturationHours: 24 }))).toEqual(["maturationHours"]);
});
