import type { RoutingFile } from "@armspan/schema";
import fc from "fast-check";
import { expect, it } from "vitest";
import { compileBundle } from "./compile-bundle.ts";
import { RouterError } from "./errors.ts";
import { RoutingTable } from "./routing-table.ts";
import { arbitraryInput } from "./test-support/arbitrary-input.ts";

type Container = Record<string, unknown> | unknown[];

/** Every place in a value, as its container and key. */
function placesOf(value: unknown): [Container, string][] {
	if (value === null || typeof value !== "object") return [];
	const container = value as Container;
	return Object.keys(container).flatMap((key) => [
		[container, key] as [Container, string],
		...placesOf(Reflect.get(container, key)),
	]);
}

const scraps = fc.oneof(
	fc.jsonValue({ maxDepth: 2 }),
	fc.constantFrom<unknown>(
		null,
		undefined,
		true,
		Number.NaN,
		Number.POSITIVE_INFINITY,
		-1,
		0,
		2 ** 31,
		"default",
		"e0.v1",
		"e0.v1.shadow",
		"e1.control.override",
		"__proto__",
		"constructor",
		{ var: "targetingKey" },
		{ var: "" },
		{ $ref: "layer-chat" },
		{ $ref: "hash-is-v2" },
		{ "!": [{ $ref: "hash-is-v2" }] },
		{ $ref: "__proto__" },
		{ "!": [{ var: "targetingKey" }] },
		{ fractional: [{ cat: ["x:", { var: "targetingKey" }] }, ["e0.v1", 1]] },
		{ fractional: [] },
		{ if: [] },
		{ if: [true] },
		{ and: [] },
		{ in: [{ var: "targetingKey" }, ["u1"]] },
		{ "==": [{ $ref: "layer-chat" }, "e0"] },
		JSON.parse('{"__proto__":{"x":1}}'),
	),
);

const mutation = fc.record({
	place: fc.nat(),
	other: fc.nat(),
	kind: fc.constantFrom("replace", "replace", "delete", "copy", "swap", "insert", "nudge"),
	scrap: scraps,
});

type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never;

function mutate(file: RoutingFile, { place, other, kind, scrap }: Mutation): void {
	const places = placesOf(file);
	const [container, key] = places[place % places.length]!;
	const [otherContainer, otherKey] = places[other % places.length]!;
	const here: unknown = Reflect.get(container, key);
	const there: unknown = structuredClone(Reflect.get(otherContainer, otherKey));
	if (kind === "delete") {
		if (Array.isArray(container)) container.splice(Number(key), 1);
		else Reflect.deleteProperty(container, key);
	} else if (kind === "insert" && Array.isArray(container)) container.splice(Number(key), 0, structuredClone(scrap));
	else if (kind === "copy") Reflect.set(container, key, there);
	else if (kind === "swap") {
		Reflect.set(otherContainer, otherKey, structuredClone(here));
		Reflect.set(container, key, there);
	} else if (kind === "nudge") {
		// Numbers that may well be others: weights, limits, iterations.
		for (const [list, index] of places) {
			const value: unknown = Reflect.get(list, index);
			if (typeof value === "number" && Array.isArray(list)) Reflect.set(list, index, value + 1 + (place % 3));
		}
	} else Reflect.set(container, key, structuredClone(scrap));
}

it("a spoilt file is refused by name, or gives nothing but variants that stand in it", () => {
	let refused = 0;
	let accepted = 0;
	fc.assert(
		fc.property(arbitraryInput(), fc.array(mutation, { minLength: 1, maxLength: 3 }), (input, mutations) => {
			const file = JSON.parse(compileBundle(input).json);
			for (const one of mutations) mutate(file, one);
			let table: RoutingTable;
			try {
				table = RoutingTable.fromFile(file);
			} catch (error) {
				if (!(error instanceof RouterError)) throw error;
				expect(error.problems.length).toBeGreaterThan(0);
				expect(error.message).not.toBe("");
				refused++;
				return;
			}
			accepted++;
			for (const prompt of table.promptNames) {
				for (const user of [undefined, "u1", "u2", "ü", "x".repeat(2_000)]) {
					const units = { user, session: user, request: user };
					const attributes = { country: "CH", account: user ?? "", age: 30, app: "1.4.0" };
					const assignment = table.assign(prompt, units, attributes)!;
					const variants = file.flags[prompt].variants;
					expect(Object.hasOwn(variants, assignment.flagVariant)).toBe(true);
					expect(variants[assignment.flagVariant]).toMatchObject({
						digest: assignment.digest,
						experiment: assignment.experiment,
						enrolled: assignment.enrolled,
					});
					expect(table.explain(prompt, units, attributes)!.assignment).toBe(assignment);
					expect(table.digests.has(assignment.digest)).toBe(true);
				}
			}
		}),
		{ numRuns: 1_500 },
	);
	expect(refused).toBeGreaterThan(300);
	expect(accepted).toBeGreaterThan(30);
});
