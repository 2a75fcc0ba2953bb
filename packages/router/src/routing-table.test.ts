import { createHash } from "node:crypto";
import type { RoutingFile } from "@armspan/schema";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileBundle } from "./compile-bundle.ts";
import { RouterError } from "./errors.ts";
import { routableUnitId } from "./routable-unit-id.ts";
import { RoutingTable } from "./routing-table.ts";
import { sampleExperiment, sampleInput } from "./testing/sample-input.ts";

const SUPPORT = "support-reply";
const routed = (experiment: object = {}, environment: object = {}) =>
	RoutingTable.fromFile(compileBundle(sampleInput({ environment, experiments: [sampleExperiment(experiment)] })).file);
const ids = (count: number) => Array.from({ length: count }, (_, index) => `user-${index}`);

/** The routing file with one change, as JSON would bring it. */
function changed(
	change: (file: RoutingFile & Record<string, unknown>, targeting: { if: unknown[] }) => unknown,
): unknown {
	const file = JSON.parse(
		compileBundle(sampleInput({ experiments: [sampleExperiment({ allocation: { enrolled: 0.5 } })] })).json,
	);
	const result = change(file, file.flags[SUPPORT].targeting);
	return result === undefined ? file : result;
}

function refusal(file: unknown): RouterError {
	try {
		RoutingTable.fromFile(file);
	} catch (error) {
		if (error instanceof RouterError) return error;
		throw error;
	}
	throw new Error("expected a RouterError");
}

/** Six standard deviations: fails by chance once in five hundred million runs, and the ids are fixed anyway. */
function expectShare(count: number, total: number, share: number): void {
	expect(Math.abs(count - total * share)).toBeLessThan(6 * Math.sqrt(total * share * (1 - share)));
}

describe("assign", () => {
	it("gives frozen assignments, the same object for the same answer", () => {
		const table = routed();
		const first = table.assign(SUPPORT, { user: "u1" });
		expect(table.assign(SUPPORT, { user: "u1" })).toBe(first);
		expect(Object.isFrozen(first) && Object.isFrozen(first?.parameters)).toBe(true);
		expect(first).toMatchObject({
			promptName: SUPPORT,
			model: "m-small",
			parameters: { temperature: 0.2 },
			experiment: "polite",
			iteration: 1,
			enrolled: true,
			unitType: "user",
			reason: "split",
		});
		expect(first?.flagVariant).toBe(`polite.${first?.variant}`);
	});

	it("knows no other prompts", () => {
		expect(routed().assign("toString", { user: "u1" })).toBeUndefined();
		expect(routed().promptNames).toEqual(["summary", SUPPORT]);
	});

	it("gives the default of a prompt without experiment, with or without unit", () => {
		expect(routed().assign("summary", {})).toMatchObject({ version: "2.0.0", reason: "default", enrolled: false });
	});

	it("does not enrol a call without the experiment's unit", () => {
		const table = routed({ unit: "session" });
		expect(table.assign(SUPPORT, { user: "u1" })?.reason).toBe("no-unit");
		expect(table.assign(SUPPORT, { session: "" })?.reason).toBe("no-unit");
		expect(table.assign(SUPPORT, { session: {} as unknown as string })?.reason).toBe("no-unit");
		expect(table.assign(SUPPORT, { session: "s1" })?.reason).toBe("split");
		expect(routed({ unit: "request" }).assign(SUPPORT, { request: "r1" })?.unitType).toBe("request");
	});

	it("keeps the holdout out of every experiment, and layers apart", () => {
		const environment = {
			holdout: { key: "q4", share: 0.1 },
			layers: { chat: { slots: { polite: 0.5, terse: 0.3 } } },
		};
		const terse = sampleExperiment({
			key: "terse",
			prompt: "summary",
			layer: "chat",
			variants: [
				{ key: "control", version: "2.0.0" },
				{ key: "terse", version: "2.1.0" },
			],
		});
		const experiments = [sampleExperiment({ layer: "chat" }), terse];
		const table = RoutingTable.fromFile(compileBundle(sampleInput({ environment, experiments })).file);
		const count = { both: 0, polite: 0, terse: 0, holdout: 0, free: 0 };
		for (const user of ids(20_000)) {
			const support = table.assign(SUPPORT, { user })!;
			const summary = table.assign("summary", { user })!;
			expect(support.reason === "holdout").toBe(summary.reason === "holdout");
			if (support.reason === "holdout") count.holdout++;
			if (support.enrolled && summary.enrolled) count.both++;
			if (support.enrolled) count.polite++;
			if (summary.enrolled) count.terse++;
			if (support.reason === "other-layer" && summary.reason === "other-layer") count.free++;
		}
		expect(count.both).toBe(0);
		expectShare(count.holdout, 20_000, 0.1);
		expectShare(count.polite, 20_000, 0.9 * 0.5);
		expectShare(count.terse, 20_000, 0.9 * 0.3);
		expectShare(count.free, 20_000, 0.9 * 0.2);
	});
});

describe("split", () => {
	it("follows the weights", () => {
		const variants = [
			{ key: "control", version: "1.0.0", weight: 1 },
			{ key: "a", version: "1.1.0", weight: 2 },
			{ key: "b", version: "1.1.0", weight: 7 },
		];
		const table = routed({ variants });
		const count: Record<string, number> = {};
		for (const user of ids(50_000)) {
			const { variant } = table.assign(SUPPORT, { user })!;
			count[variant] = (count[variant] ?? 0) + 1;
		}
		expectShare(count.control!, 50_000, 0.1);
		expectShare(count.a!, 50_000, 0.2);
		expectShare(count.b!, 50_000, 0.7);
	});

	it("never moves a unit to another arm while the gate opens or closes", () => {
		const gates = [0.0005, 0.02, 0.1, 0.5, 1].map((enrolled) => routed({ allocation: { enrolled } }));
		for (const user of ids(20_000)) {
			const answers = gates.map((table) => table.assign(SUPPORT, { user })!);
			const enrolled = answers.map((answer) => answer.enrolled);
			// Once enrolled, enrolled at every wider gate.
			expect(enrolled.indexOf(true)).toBe(enrolled.filter((is) => !is).length);
			expect(new Set(answers.filter((answer) => answer.enrolled).map((answer) => answer.variant)).size).toBe(1);
		}
	});

	it("draws gate and arm independently, and anew in another iteration", () => {
		const small = routed({ allocation: { enrolled: 0.05 } });
		const next = routed({ iteration: 2 });
		const first = routed();
		let enrolled = 0;
		let treated = 0;
		let same = 0;
		for (const user of ids(50_000)) {
			const answer = small.assign(SUPPORT, { user })!;
			if (answer.enrolled) enrolled++;
			if (answer.variant === "polite") treated++;
			if (first.assign(SUPPORT, { user })?.variant === next.assign(SUPPORT, { user })?.variant) same++;
		}
		expectShare(enrolled, 50_000, 0.05);
		expectShare(treated, enrolled, 0.5);
		expectShare(same, 50_000, 0.5);
	});

	it("has one defined answer for every id", () => {
		const file = compileBundle(sampleInput()).file;
		const [one, other] = [RoutingTable.fromFile(file), RoutingTable.fromFile(JSON.parse(JSON.stringify(file)))];
		fc.assert(
			fc.property(fc.string({ unit: "binary" }), (user) => {
				const answer = one.assign(SUPPORT, { user });
				expect(answer?.reason).toBe(user === "" ? "no-unit" : "split");
				expect(other.assign(SUPPORT, { user })).toEqual(answer);
				expect(one.assign(SUPPORT, { user: routableUnitId(user) })).toBe(answer);
			}),
		);
	});

	it("routes ids outside printable ASCII by their sha256", () => {
		expect(routableUnitId("a b~")).toBe("a b~");
		for (const id of ["ü", "a\n", "\u007f", "😀", "\ud800"]) {
			expect(routableUnitId(id)).toBe(createHash("sha256").update(id, "utf8").digest("hex"));
		}
		expect(routableUnitId("")).toBe("");
	});
});

describe("lint", () => {
	it("accepts what the compiler writes", () => {
		expect(RoutingTable.fromFile(changed(() => undefined)).revision).toBe(1);
	});

	const id = { var: "targetingKey" };
	const seed = (salt: string) => ({ cat: [salt, id] });
	const arms =
		(...entries: unknown[]) =>
		(_: unknown, targeting: { if: unknown[] }) => {
			targeting.if[5] = { fractional: [seed("new:"), ...entries] };
		};
	const condition = (node: unknown) => (_: unknown, targeting: { if: unknown[] }) => {
		targeting.if[4] = node;
	};
	const CONDITION = "flags.support-reply.targeting.if[4]";
	const ARMS = "flags.support-reply.targeting.if[5].fractional";

	it.each<[string, Parameters<typeof changed>[0], string, string]>([
		["null", () => null, "SCHEMA_INVALID", ""],
		["an empty object", () => ({}), "SCHEMA_INVALID", "$schema"],
		["empty flags", (file) => ({ ...file, flags: {} }), "FLAGS_EMPTY", "flags"],
		[
			"another hash",
			(file) => ({ ...file, metadata: { ...file.metadata, hash: "flagd-fractional-v3" } }),
			"HASH_VERSION_UNKNOWN",
			"metadata.hash",
		],
		[
			"a self-test that fails",
			(file) => ({ ...file, metadata: { ...file.metadata, selfTest: "a=1" } }),
			"SELF_TEST_FAILED",
			"metadata.selfTest",
		],
		[
			"a self-test without a value",
			(file) => ({ ...file, metadata: { ...file.metadata, selfTest: "a" } }),
			"SELF_TEST_FAILED",
			"metadata.selfTest",
		],
		["an unknown variant", arms(["polite.other", 1]), "VARIANT_UNKNOWN", `${ARMS}[1][0]`],
		["a weight of zero", arms(["polite.control", 0]), "WEIGHT_INVALID", `${ARMS}[1][1]`],
		["a negative weight", arms(["polite.control", 2], ["polite.polite", -1]), "WEIGHT_INVALID", `${ARMS}[2][1]`],
		["a fraction as weight", arms(["polite.control", 0.5]), "WEIGHT_INVALID", `${ARMS}[1][1]`],
		["a missing weight", arms(["polite.control"]), "TARGETING_INVALID", `${ARMS}[1]`],
		["no weight at all", arms(), "WEIGHT_INVALID", ARMS],
		["weights beyond 2³¹ − 1", arms(["polite.control", 2 ** 31 - 1], ["polite.polite", 1]), "WEIGHT_INVALID", ARMS],
		["texts mixed with booleans", arms(["polite.control", 1], [true, 1]), "TARGETING_INVALID", ARMS],
		[
			"a salt outside ASCII",
			condition({ fractional: [seed("sält:"), [true, 1]] }),
			"SALT_INVALID",
			`${CONDITION}.fractional[0].cat[0]`,
		],
		[
			"a salt with a space",
			condition({ fractional: [seed("a b:"), [true, 1]] }),
			"SALT_INVALID",
			`${CONDITION}.fractional[0].cat[0]`,
		],
		[
			"a salt without colon",
			condition({ fractional: [seed("salt"), [true, 1]] }),
			"SALT_INVALID",
			`${CONDITION}.fractional[0].cat[0]`,
		],
		[
			"the shorthand without seed",
			condition({
				fractional: [
					[true, 1],
					[false, 1],
				],
			}),
			"SALT_INVALID",
			`${CONDITION}.fractional[0]`,
		],
		[
			"a seed of the id alone",
			condition({ fractional: [id, [true, 1]] }),
			"SALT_INVALID",
			`${CONDITION}.fractional[0]`,
		],
		[
			"a seed of an attribute",
			condition({ fractional: [{ cat: ["s:", { var: "email" }] }, [true, 1]] }),
			"SALT_INVALID",
			`${CONDITION}.fractional[0]`,
		],
		[
			"a salt used twice",
			condition({ fractional: [seed("polite.1.arm:"), [true, 1]] }),
			"SALT_REUSED",
			`${ARMS}[0].cat[0]`,
		],
		["a dangling reference", condition({ $ref: "nothing" }), "REFERENCE_DANGLING", CONDITION],
		["an inherited name as reference", condition({ $ref: "constructor" }), "REFERENCE_DANGLING", CONDITION],
		["an unknown operator", condition({ merge: [{ var: "v" }, ["1.0.0"]] }), "OPERATOR_UNKNOWN", `${CONDITION}.merge`],
		[
			"an unknown operator deep inside",
			condition({ "!": [{ and: [{ starts_with: [{ var: "a" }, ""] }, { some: [id, "a"] }] }] }),
			"OPERATOR_UNKNOWN",
			`${CONDITION}.![0].and[1].some`,
		],
		[
			"an unknown operator as result",
			(_, targeting) => {
				targeting.if[5] = { "?:": [1] };
			},
			"OPERATOR_UNKNOWN",
			"flags.support-reply.targeting.if[5].?:",
		],
		["a known operator out of place", condition({ cat: ["a", "b"] }), "TARGETING_INVALID", CONDITION],
		["a literal as condition", condition(true), "TARGETING_INVALID", CONDITION],
		["an attribute as condition", condition({ var: "beta" }), "TARGETING_INVALID", CONDITION],
		[
			"an attribute compared by ==",
			condition({ "==": [{ var: "country" }, "CH"] }),
			"TARGETING_INVALID",
			`${CONDITION}.==`,
		],
		["a nested attribute", condition({ in: [{ var: "a.b" }, ["x"]] }), "TARGETING_INVALID", CONDITION],
		["a text searched by in", condition({ in: [{ var: "a" }, "text"] }), "TARGETING_INVALID", CONDITION],
		["an attribute searched without guards", condition({ in: [{ var: "a" }, ["x"]] }), "TARGETING_INVALID", CONDITION],
		[
			"a guard of another attribute",
			condition({ and: [{ starts_with: [{ var: "b" }, ""] }, { in: [{ var: "a" }, ["x"]] }] }),
			"TARGETING_INVALID",
			CONDITION,
		],
		["an id outside ASCII", condition({ in: [id, ["ü"]] }), "TARGETING_INVALID", `${CONDITION}.in[1]`],
		["ids that are a text", condition({ in: [id, "u1"] }), "TARGETING_INVALID", `${CONDITION}.in[1]`],
		[
			"a number as result",
			(_, targeting) => {
				targeting.if[5] = 5;
			},
			"TARGETING_INVALID",
			"flags.support-reply.targeting.if[5]",
		],
		["two keys in one node", condition({ "!": [id], in: [] }), "TARGETING_INVALID", CONDITION],
		[
			"targeting that does not begin with the unit",
			(_, targeting) => void targeting.if.splice(0, 2),
			"TARGETING_INVALID",
			"flags.support-reply.targeting",
		],
		[
			"no default variant",
			(file) => void delete (file.flags[SUPPORT]!.variants as Record<string, unknown>).default,
			"VARIANT_UNKNOWN",
			"flags.support-reply.variants",
		],
		[
			"an enrolled default",
			(file) => {
				file.flags[SUPPORT]!.variants.default!.enrolled = true;
			},
			"VARIANT_INVALID",
			"flags.support-reply.variants.default.enrolled",
		],
		[
			"a variant of another prompt",
			(file) => {
				file.flags[SUPPORT]!.variants.default!.prompt = "summary";
			},
			"VARIANT_INVALID",
			"flags.support-reply.variants.default.prompt",
		],
		[
			"a variant under another key",
			(file) => {
				file.flags[SUPPORT]!.variants["polite.polite"]!.variant = "control";
			},
			"VARIANT_INVALID",
			"flags.support-reply.variants.polite.polite",
		],
		[
			"targeting of a halted experiment",
			(file) => {
				file.flags[SUPPORT]!.metadata.experiments = "polite#1:halted";
			},
			"TARGETING_INVALID",
			"flags.support-reply.targeting",
		],
		[
			"a running experiment without targeting",
			(file) => void delete file.flags[SUPPORT]!.targeting,
			"TARGETING_INVALID",
			"flags.support-reply.targeting",
		],
		[
			"an evaluator that is no fractional",
			(file) => ({ ...file, $evaluators: { x: { in: [1] } } }),
			"TARGETING_INVALID",
			"$evaluators.x",
		],
	])("refuses %s", (_what, change, code, field) => {
		const { problems } = refusal(changed(change));
		expect(problems).toContainEqual(expect.objectContaining({ code, field, file: "routing.json" }));
	});

	it("refuses nesting that would end the stack", () => {
		const deep = JSON.parse(`${'{"!":['.repeat(20_000)}true${"]}".repeat(20_000)}`);
		expect(["SCHEMA_INVALID", "TARGETING_INVALID"]).toContain(refusal(changed(condition(deep))).code);
		const nested = JSON.parse(`${'{"!":['.repeat(100)}{"$ref":"x"}${"]}".repeat(100)}`);
		expect(refusal(changed(condition(nested))).code).toBe("TARGETING_INVALID");
	});

	it("names every problem of a file", () => {
		const error = refusal(
			changed((_, targeting) => {
				targeting.if[4] = { $ref: "nothing" };
				targeting.if[5] = { fractional: [seed("new:"), ["polite.x", 0], ["polite.y", -1]] };
			}),
		);
		expect(error.problems.map(({ code }) => code)).toEqual(["REFERENCE_DANGLING", "WEIGHT_INVALID", "WEIGHT_INVALID"]);
	});

	it("says other-layer and gate for conditions written by hand", () => {
		const file = changed((original, targeting) => {
			targeting.if[4] = { "==": [{ $ref: "x" }, "b"] };
			targeting.if[5] = null;
			targeting.if[6] = "polite.polite";
			return {
				...original,
				$evaluators: { ...original.$evaluators, x: { fractional: [seed("x:"), ["a", 1], ["b", 1]] } },
			};
		});
		const reasons = ids(200).map((user) => RoutingTable.fromFile(file).assign(SUPPORT, { user })?.reason);
		expect(new Set(reasons)).toEqual(new Set(["other-layer", "split"]));
	});
});
