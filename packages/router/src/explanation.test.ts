import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Attributes } from "./assignment.ts";
import { compileBundle } from "./compile-bundle.ts";
import { murmur3 } from "./murmur3.ts";
import { routableUnitId } from "./routable-unit-id.ts";
import { RoutingTable } from "./routing-table.ts";
import { arbitraryInput } from "./test-support/arbitrary-input.ts";
import { sampleExperiment, sampleInput } from "./testing/sample-input.ts";

const SUPPORT = "support-reply";

function sample() {
	const experiments = [
		sampleExperiment({
			layer: "chat",
			iteration: 3,
			allocation: { enrolled: 0.7 },
			audience: [
				{ attribute: "country", in: ["CH", "DE"] },
				{ attribute: "age", atLeast: 18 },
			],
		}),
		sampleExperiment({ key: "brief", layer: "chat", status: "halted" }),
	];
	const environment = {
		holdout: { key: "q4", share: 0.05 },
		layers: { chat: { slots: { polite: 0.6, brief: 0.3 } } },
		overrides: [{ unit: "qa-1", experiment: "polite", variant: "polite" }],
	};
	return RoutingTable.fromFile(compileBundle(sampleInput({ environment, experiments })).file);
}

const steps = (table: RoutingTable, user: string | undefined, attributes?: Attributes) =>
	table.explain(SUPPORT, { user }, attributes)!.steps.map(({ rule, outcome }) => `${rule} ${outcome}`);

/** A unit of `u0`, `u1`, … that gets this. */
function unitWith(table: RoutingTable, wanted: (reason: string) => boolean, attributes?: Attributes): string {
	for (let index = 0; index < 10_000; index++) {
		if (wanted(table.assign(SUPPORT, { user: `u${index}` }, attributes)!.reason)) return `u${index}`;
	}
	throw new Error("no such unit");
}

describe("explain", () => {
	const attributes = { country: "CH", age: 30 };

	it("names every rule that was met, in order", () => {
		const table = sample();
		const split = unitWith(table, (reason) => reason === "split", attributes);
		const { assignment } = table.explain(SUPPORT, { user: split }, attributes)!;
		expect(steps(table, split, attributes)).toEqual([
			"unit present",
			"override not-named",
			"holdout outside",
			"layer polite",
			"audience met",
			"audience met",
			"gate inside",
			`arm ${assignment.flagVariant}`,
		]);
		expect(steps(table, split, { country: "FR" })).toEqual([
			"unit present",
			"override not-named",
			"holdout outside",
			"layer polite",
			"audience not-met",
		]);
		expect(steps(table, "qa-1")).toEqual(["unit present", "override named"]);
		expect(steps(table, undefined)).toEqual(["unit absent"]);
		const halted = unitWith(table, (reason) => reason === "halted");
		expect(steps(table, halted)).toEqual([
			"unit present",
			"override not-named",
			"holdout outside",
			"layer brief",
			"status halted",
		]);
		expect(table.explain("summary", {})?.steps).toMatchObject([{ rule: "status", outcome: "none" }]);
		expect(table.explain("toString", {})).toBeUndefined();
	});

	it("tells of all overrides in one step, with experiment and arm", () => {
		const overrides = [
			{ unit: "qa-1", experiment: "polite", variant: "polite" },
			{ unit: "qa-2", experiment: "polite", variant: "control" },
			{ unit: "qa-3", experiment: "polite", variant: "control" },
		];
		const table = RoutingTable.fromFile(compileBundle(sampleInput({ environment: { overrides } })).file);
		const sentences = (user: string) =>
			table
				.explain(SUPPORT, { user })!
				.steps.filter(({ rule }) => rule === "override")
				.map(({ sentence }) => sentence);
		expect(sentences("u-1")).toEqual([
			'"u-1" is not overridden by name, as 2 units for polite.control, 1 unit for polite.polite are',
		]);
		expect(sentences("qa-1")).toEqual(['"qa-1" is overridden by name: gets polite.polite']);
		expect(sentences("qa-3")).toEqual(['"qa-3" is overridden by name: gets polite.control']);
	});

	it("lays every draw open so that it can be done by hand", () => {
		const table = sample();
		for (let index = 0; index < 300; index++) {
			const user = index % 3 === 0 ? `ünit-${index}` : `unit-${index}`;
			const explanation = table.explain(SUPPORT, { user }, attributes)!;
			expect(explanation.routableUnitId).toBe(routableUnitId(user));
			for (const { draw } of explanation.steps) {
				if (draw === undefined) continue;
				expect(draw.hash).toBe(murmur3(`${draw.salt}:${explanation.routableUnitId}`));
				expect(draw.bucket).toBe(Number((BigInt(draw.hash) * BigInt(draw.total)) >> 32n));
				expect(draw.bucket >= draw.from && draw.bucket < draw.to && draw.to <= draw.total).toBe(true);
			}
		}
	});

	it("says it in words", () => {
		const table = sample();
		const user = unitWith(table, (reason) => reason === "gate", attributes);
		const { steps: met, sentence } = table.explain(SUPPORT, { user }, { ...attributes, age: "30" })!;
		expect(met[0]?.sentence).toBe(`the unit is hashed as "${user}"`);
		expect(met[2]?.sentence).toMatch(
			new RegExp(
				`^outside the holdout: murmur3\\("holdout-q4:${user}"\\) = \\d+, bucket \\d+ of 100000, in \\[5000, 100000\\)$`,
			),
		);
		expect(met[3]?.sentence).toMatch(/^in the slot polite of the layer: murmur3\(.*in \[0, 60000\)$/);
		expect(met[4]?.sentence).toBe('country is "CH", expected one of "CH", "DE": in the audience');
		expect(met[5]?.sentence).toBe('age is "30", expected a number ≥ 18: not in the audience');
		expect(sentence).toBe("default: version 1.0.0 (m-small), not enrolled (audience)");
		expect(table.explain(SUPPORT, { user })?.steps[4]).toMatchObject({
			path: "flags.support-reply.targeting.if[11].if[0].![0]",
			attribute: { name: "country", found: undefined, expected: 'one of "CH", "DE"' },
			sentence: 'country is missing, expected one of "CH", "DE": not in the audience',
		});
	});

	it("gives exactly what assign gives", () => {
		const ids = fc.oneof(
			fc.constant(undefined),
			fc.string({ unit: "binary" }),
			fc.nat().map(String),
			fc.constant("u1"),
		);
		const values = fc.oneof(fc.constantFrom("CH", "1.4.0", 5, true, false), fc.string(), fc.double(), fc.integer());
		const calls = fc.array(
			fc.record({
				units: fc.record({ user: ids, session: ids, request: ids }, { requiredKeys: [] }),
				attributes: fc.option(fc.dictionary(fc.constantFrom("country", "age", "app", "account"), values), {
					nil: undefined,
				}),
			}),
			{ minLength: 5, maxLength: 30 },
		);
		const reasons = new Set<string>();
		fc.assert(
			fc.property(arbitraryInput(), calls, (input, made) => {
				const table = RoutingTable.fromFile(compileBundle(input).file);
				for (const { units, attributes: given } of made) {
					for (const prompt of table.promptNames) {
						const assignment = table.assign(prompt, units, given)!;
						const explanation = table.explain(prompt, units, given)!;
						expect(explanation.assignment).toBe(assignment);
						expect(explanation.unitId).toBe(table.unitId(prompt, units, given));
						reasons.add(assignment.reason);
					}
				}
			}),
			{ numRuns: 400, seed: 20261120 },
		);
		expect([...reasons].sort()).toEqual(
			[
				"audience",
				"default",
				"gate",
				"halted",
				"holdout",
				"no-unit",
				"other-layer",
				"override",
				"shadow",
				"split",
				"stopped",
			].sort(),
		);
	});
});
