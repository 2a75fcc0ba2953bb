import { RoutingFile } from "@armspan/schema";
import { expect, it } from "vitest";
import { compileBundle } from "./compile-bundle.ts";
import { RouterError } from "./errors.ts";
import { checkRoutingSchemaSteps } from "./routing-schema.ts";
import { sampleInput } from "./testing/sample-input.ts";

const { json } = compileBundle(sampleInput());

/** What taking the file apart gives, and in how many steps. */
function check(input: unknown): { steps: number; file?: RoutingFile; issues?: string[] } {
	const run = checkRoutingSchemaSteps(input);
	for (let steps = 0; ; steps++) {
		try {
			const { done, value } = run.next();
			if (done === true) return { steps, file: value };
		} catch (error) {
			if (!(error instanceof RouterError)) throw error;
			return { steps, issues: error.problems.map(({ field, fix }) => `${field}: ${fix}`).sort() };
		}
	}
}

function whole(input: unknown): { file?: RoutingFile; issues?: string[] } {
	const { success, data, error } = RoutingFile.safeParse(input);
	if (success) return { file: data };
	return { issues: error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).sort() };
}

it("takes a step for each flag and evaluator", () => {
	expect(check(JSON.parse(json)).steps).toBe(3);
});

const flag = JSON.stringify(JSON.parse(json).flags.summary);
it.each<[string, unknown]>([
	["a sound file", JSON.parse(json)],
	["null", null],
	["a list", []],
	["no flags", { ...JSON.parse(json), flags: undefined }],
	["flags that are a list", { ...JSON.parse(json), flags: [1] }],
	["flags that are null", { ...JSON.parse(json), flags: null }],
	["faults in the head and in two flags", { ...JSON.parse(json), $schema: "x", more: 1, flags: { summary: {}, b: 5 } }],
	["faults in evaluators", { ...JSON.parse(json), $evaluators: { "Not A Name": 1, ok: undefined, "": [] } }],
	["evaluators that are a list", { ...JSON.parse(json), $evaluators: [] }],
	["a flag of no prompt's name", { ...JSON.parse(json), flags: { "Not A Name": JSON.parse(flag) } }],
	["a flag named as what objects inherit", { ...JSON.parse(json), flags: JSON.parse(`{"__proto__":${flag}}`) }],
	["another flag named so", { ...JSON.parse(json), flags: { constructor: JSON.parse(flag), toString: 1 } }],
])("says what the schema says of the whole: %s", (_what, input) => {
	const { steps: _steps, ...parts } = check(input);
	expect(parts).toEqual(whole(input));
});

const manyFlags = (count: number) => ({
	...JSON.parse(json),
	flags: Object.fromEntries(Array.from({ length: count }, (_, index) => [`flag-${index}`, 5])),
});

it("stops at the first hundred problems, and does not look at what is too much", () => {
	const { steps, issues } = check(manyFlags(10_000));
	expect(issues).toHaveLength(100);
	expect(steps).toBeLessThan(110);
	expect(check(manyFlags(10_001))).toEqual({ steps: 0, issues: ["flags: the limit is 10000"] });
});

it("does not repeat a hostile key in full", () => {
	const { issues = [] } = check({ ...JSON.parse(json), ["k".repeat(100_000)]: 1 });
	expect(issues.join("").length).toBeLessThan(700);
});
