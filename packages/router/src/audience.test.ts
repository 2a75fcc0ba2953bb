import { AudienceCondition, type JsonValue } from "@armspan/schema";
import { FlagdCore } from "@openfeature/flagd-core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { audienceNode, audienceTest, describeAudience, readAudienceNode } from "./audience.ts";
import { arbitraryCondition } from "./test-support/arbitrary-input.ts";

const VERSIONS = [
	"1.2.0",
	"1.4.0",
	"2.0.0",
	"2.0.0-rc.1",
	"1.4.0-rc.1",
	"1.4.0-rc.2",
	"1.4.0-rc.1.1",
	"1.4.0-rc.10",
	"1.4.0-alpha",
	"0.9.9",
	"10.1.0",
	"999999999999999.0.0",
];
const NO_VERSIONS = [
	"v1.4.0",
	"V1.4.0",
	" 1.4.0",
	"1.4.0 ",
	"1.4",
	"1",
	"1.4.0.0",
	"1.4.0+build",
	"01.4.0",
	"1.04.0",
	"1.4.0-",
	"1.4.0-rc..1",
	"1.4.0-01",
	"1.4-rc.1",
	"-1.4.0",
	"1.4.0\n",
	"1.4.99999999999999999999",
	`1.4.0-${"a".repeat(300)}`,
	"",
];
const OTHERS = [
	undefined,
	null,
	0,
	1,
	-0,
	1.5,
	18,
	-3,
	1e21,
	true,
	false,
	"CH",
	"CHE",
	"DE",
	"0",
	"1",
	"true",
	"é",
	"e\u0301",
	"😀",
];
const VALUES: unknown[] = [...VERSIONS, ...NO_VERSIONS, ...OTHERS];

/** flagd-core, compiled and interpreted: the two ways in which its providers run it. */
const MODES = [false, true].map((disableDynamicCodeGeneration) => ({ disableDynamicCodeGeneration }));
const silent = { error() {}, warn() {}, info() {}, debug() {} };

function flagdTest(node: JsonValue, mode: { disableDynamicCodeGeneration: boolean }): (value: unknown) => boolean {
	const core = new FlagdCore(undefined, silent, mode);
	const variants = { out: { met: false }, in: { met: true } };
	const targeting = { if: [{ "!": [node] }, null, "in"] };
	core.setConfigurations(
		JSON.stringify({ flags: { f: { state: "ENABLED", defaultVariant: "out", variants, targeting } } }),
	);
	return (value) => {
		const context = { targetingKey: "u", ...(value === undefined ? {} : { a: value as string }) };
		const { variant, errorCode } = core.resolveObjectEvaluation("f", {}, context);
		if (errorCode !== undefined) throw new Error(`${JSON.stringify(value)}: ${errorCode}`);
		return variant === "in";
	};
}

const parse = (operator: object) => AudienceCondition.parse({ attribute: "a", ...operator });

describe.each<[object, unknown[], string]>([
	[{ in: ["CH", "DE", ""] }, ["", "CH", "DE"], 'one of "CH", "DE", ""'],
	[{ in: [1, 18, 0] }, [0, 1, -0, 18], "one of 1, 18, 0"],
	[{ in: [true] }, [true], "true"],
	[{ in: [false] }, [false], "false"],
	[
		{ notIn: ["CH"] },
		[...VERSIONS, ...NO_VERSIONS, "CHE", "DE", "0", "1", "true", "é", "e\u0301", "😀"],
		'a text other than "CH"',
	],
	[{ startsWith: "CH" }, ["CH", "CHE"], 'a text that starts with "CH"'],
	[{ endsWith: "E" }, ["CHE", "DE"], 'a text that ends with "E"'],
	[{ startsWith: "é" }, ["é"], 'a text that starts with "é"'],
	[{ atLeast: 1 }, [1, 1.5, 18, 1e21], "a number ≥ 1"],
	[{ below: 1 }, [0, -0, -3], "a number < 1"],
	[{ below: -2.5 }, [-3], "a number < -2.5"],
	[
		{ version: ">=1.2.0 <2.0.0" },
		["1.2.0", "1.4.0", "2.0.0-rc.1", "1.4.0-rc.1", "1.4.0-rc.2", "1.4.0-rc.1.1", "1.4.0-rc.10", "1.4.0-alpha"],
		"a version >=1.2.0 <2.0.0",
	],
	[{ version: "=1.4.0" }, ["1.4.0"], "a version =1.4.0"],
	[
		{ version: ">1.4.0-rc.1 <=1.4.0" },
		["1.4.0", "1.4.0-rc.2", "1.4.0-rc.1.1", "1.4.0-rc.10"],
		"a version >1.4.0-rc.1 <=1.4.0",
	],
	[{ version: ">2.0.0" }, ["10.1.0", "999999999999999.0.0"], "a version >2.0.0"],
])("an audience of %o", (operator, expected, words) => {
	const condition = parse(operator);

	it("is met by these values and by no others, here as in flagd-core", () => {
		const ours = audienceTest(condition);
		const met = (test: (value: unknown) => boolean) => VALUES.filter(test);
		expect(met((value) => ours({ a: value } as Record<string, string>))).toEqual(
			VALUES.filter((value) => expected.some((one) => Object.is(one, value))),
		);
		expect(ours(undefined) || ours({})).toBe(false);
		for (const mode of MODES) {
			const theirs = flagdTest(audienceNode(condition), mode);
			for (const value of VALUES) expect([value, theirs(value)]).toEqual([value, ours({ a: value } as { a: string })]);
		}
	});

	it("is said in words", () => {
		expect(describeAudience(condition)).toBe(words);
	});
});

describe("an audience", () => {
	it("is read back from its node, and from no node that lacks a guard", () => {
		fc.assert(
			fc.property(arbitraryCondition, (condition) => {
				const node = JSON.parse(JSON.stringify(audienceNode(condition))) as JsonValue;
				expect(readAudienceNode(node)).toEqual(JSON.parse(JSON.stringify(condition)));
				const parts = (node as { and?: JsonValue[] }).and;
				for (const index of parts?.keys() ?? []) {
					const lacking = { and: parts!.filter((_part, at) => at !== index) };
					const read = readAudienceNode(lacking);
					// A version's last comparator can go: what is left is another sound range.
					if (read !== undefined) expect(audienceNode(read)).toEqual(lacking);
				}
			}),
		);
	});

	it("answers as flagd-core does for whatever is asked of whatever is given", () => {
		const values = fc.oneof(fc.constantFrom(...VALUES), fc.string(), fc.integer(), fc.double({ noNaN: true }));
		fc.assert(
			fc.property(arbitraryCondition, fc.array(values, { maxLength: 8 }), (drawn, given) => {
				const condition = { ...drawn, attribute: "a" };
				const theirs = flagdTest(audienceNode(condition), MODES[1]!);
				for (const value of given) expect(audienceTest(condition)({ a: value } as { a: string })).toBe(theirs(value));
			}),
			{ numRuns: 200, seed: 8 },
		);
	});
});
