import type { RoutingFile } from "@armspan/schema";
import { FlagdCore } from "@openfeature/flagd-core";
import { describe, expect, it } from "vitest";
import { compileBundle } from "./compile-bundle.ts";
import { RouterError } from "./errors.ts";
import { HASH_GUARD, HASH_GUARD_CONDITION, HASH_GUARD_EVALUATOR } from "./hash-guard.ts";
import { murmur3 } from "./murmur3.ts";
import { RoutingTable } from "./routing-table.ts";
import { sampleInput } from "./testing/sample-input.ts";

const SUPPORT = "support-reply";
const ids = Array.from({ length: 500 }, (_, index) => `u-${index}`);

/** The sample's file, its guard replaced. */
function withGuard(evaluator: unknown, condition: unknown = HASH_GUARD_CONDITION, result: unknown = null): RoutingFile {
	const file = structuredClone(compileBundle(sampleInput()).file);
	const targeting = file.flags[SUPPORT]!.targeting as { if: unknown[] };
	expect(targeting.if.slice(2, 4)).toEqual([HASH_GUARD_CONDITION, null]);
	targeting.if.splice(2, 2, condition, result);
	const { [HASH_GUARD]: _, ...others } = file.$evaluators!;
	file.$evaluators = { ...others, ...(evaluator === undefined ? {} : { [HASH_GUARD]: evaluator as never }) };
	return file;
}

function withoutGuard(): RoutingFile {
	const file = withGuard(undefined);
	(file.flags[SUPPORT]!.targeting as { if: unknown[] }).if.splice(2, 2);
	return file;
}

function problemOf(file: RoutingFile): string[] {
	try {
		RoutingTable.fromFile(file);
	} catch (error) {
		if (error instanceof RouterError) return error.problems.map(({ code, field }) => `${code} ${field}`);
		throw error;
	}
	return [];
}

const variants = (file: RoutingFile) => {
	const core = new FlagdCore();
	core.setConfigurations(JSON.stringify(file));
	return ids.map((user) => core.resolveObjectEvaluation(SUPPORT, {}, { targetingKey: user }).variant);
};

describe("the guard of the hash", () => {
	const [input, [, inside], [, outside]] = (HASH_GUARD_EVALUATOR as { fractional: [string, ...[boolean, number][]] })
		.fractional as [string, [boolean, number], [boolean, number]];

	it("is passed by generation v2, and by neither v1 nor v3", () => {
		const total = BigInt(inside + outside);
		const bucket = (hash: number) => Number((BigInt(hash) * total) >> 32n);
		expect([inside, outside]).toEqual([1, 99_999]);
		expect(bucket(murmur3(input))).toBe(0);
		// v1: per cent of the largest signed integer.
		const percent = (Math.abs(murmur3(input) | 0) / (2 ** 31 - 1)) * 100;
		expect(percent).toBeGreaterThan((inside / Number(total)) * 100);
		// v3: canonical CBOR, here a text of 24 to 255 bytes.
		const cbor = Buffer.concat([Buffer.from([0x78, input.length]), Buffer.from(input)]);
		expect(bucket(murmur3Of(cbor))).toBe(40_113);
	});

	it("changes nothing for flagd-core, which would give the default to all were the constant another", () => {
		const { file } = compileBundle(sampleInput());
		const table = RoutingTable.fromFile(file);
		const ours = ids.map((user) => table.assign(SUPPORT, { user })?.flagVariant);
		expect(new Set(ours).size).toBe(2);
		expect(variants(file)).toEqual(ours);
		const other = withGuard({ fractional: ["flagd-fractional-v2:1", [true, 1], [false, 99_999]] });
		expect(new Set(variants(other))).toEqual(new Set(["default"]));
	});

	it("does not show in explanations, and files without it are read", () => {
		const guarded = RoutingTable.fromFile(compileBundle(sampleInput()).file);
		const plain = RoutingTable.fromFile(withoutGuard());
		for (const user of ids) {
			expect(plain.assign(SUPPORT, { user })).toEqual(guarded.assign(SUPPORT, { user }));
			const rules = guarded.explain(SUPPORT, { user })!.steps.map(({ rule }) => rule);
			expect(rules).toEqual(plain.explain(SUPPORT, { user })!.steps.map(({ rule }) => rule));
		}
	});

	it("is left out where nothing runs", () => {
		const { file } = compileBundle(sampleInput({ halted: new Set(["polite#1"]) }));
		expect(file.$evaluators).toBeUndefined();
	});

	const IF = `flags.${SUPPORT}.targeting.if`;
	it.each<[string, RoutingFile, string]>([
		[
			"another constant",
			withGuard({ fractional: ["flagd-fractional-v2:1", [true, 1], [false, 99_999]] }),
			"SELF_TEST_FAILED $evaluators.hash-is-v2",
		],
		[
			"other weights",
			withGuard({ fractional: [input, [true, 1], [false, 9]] }),
			"SELF_TEST_FAILED $evaluators.hash-is-v2",
		],
		["a guard that is not there", withGuard(undefined), `REFERENCE_DANGLING ${IF}[2].!`],
		[
			"a variant for other generations",
			withGuard(HASH_GUARD_EVALUATOR, HASH_GUARD_CONDITION, "polite.polite"),
			`TARGETING_INVALID ${IF}[3]`,
		],
		[
			"the guard the other way round",
			withGuard(HASH_GUARD_EVALUATOR, { $ref: HASH_GUARD }),
			`TARGETING_INVALID ${IF}[2]`,
		],
	])("is refused with %s", (_what, file, problem) => {
		expect(problemOf(file)).toContain(problem);
	});

	it("stands in one place only", () => {
		const file = structuredClone(compileBundle(sampleInput()).file);
		(file.flags[SUPPORT]!.targeting as { if: unknown[] }).if.splice(4, 0, HASH_GUARD_CONDITION, null);
		expect(problemOf(file)).toContain(`TARGETING_INVALID ${IF}[4].![0]`);
	});
});

/** murmur3_x86_32 of bytes that are no UTF-8, for the other generation's input. */
function murmur3Of(bytes: Buffer): number {
	const rotate = (value: number, by: number) => (value << by) | (value >>> (32 - by));
	const scale = (value: number) => Math.imul(rotate(Math.imul(value, 0xcc9e2d51), 15), 0x1b873593);
	let hash = 0;
	const whole = bytes.length & ~3;
	for (let at = 0; at < whole; at += 4)
		hash = (Math.imul(rotate(hash ^ scale(bytes.readInt32LE(at)), 13), 5) + 0xe6546b64) | 0;
	let tail = 0;
	for (let at = bytes.length - 1; at >= whole; at--) tail = (tail << 8) | bytes[at]!;
	hash ^= scale(tail) ^ bytes.length;
	hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
	hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
	return (hash ^ (hash >>> 16)) >>> 0;
}
