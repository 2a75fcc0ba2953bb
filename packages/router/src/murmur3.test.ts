import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutoffs, MAX_TOTAL_WEIGHT } from "./cutoffs.ts";
import { murmur3, saltedMurmur3 } from "./murmur3.ts";
import { routableUnitId } from "./routable-unit-id.ts";
import { UnitId } from "./unit-id.ts";

const fixture = (name: string) => JSON.parse(readFileSync(new URL(`./fixtures/${name}`, import.meta.url), "utf8"));
const murmurVectors: { input: string; uint32: number; seed: number }[] = fixture("murmur3.json").vectors;
const fractional = fixture("fractional.json");
interface FractionalVector {
	version: string;
	hash_input: string;
	hash_uint32: number;
	distribution: [string, number][];
	variant: string;
}
const fractionalVectors: FractionalVector[] = [
	...fractional.testbed_vectors,
	...fractional.generated_v2_vectors,
].filter((vector: FractionalVector) => vector.version === "v2");
const isAscii = (text: string) => /^[\x20-\x7e]*$/.test(text);

/** One id after another in the same place, as a table does it: nothing of the longer one may be left. */
function salted(salt: string, id: string): number {
	const unit = new UnitId();
	unit.load("x".repeat(299));
	unit.load(id);
	return saltedMurmur3(salt)(unit) >>> 0;
}

function pick(hash: number, distribution: readonly [string, number][]): string | undefined {
	const ends = cutoffs(distribution.map(([, weight]) => weight));
	return distribution.find((_, index) => hash < ends[index]!)?.[0];
}

describe("murmur3", () => {
	it.each(murmurVectors.filter(({ seed }) => seed === 0))("$input", ({ input, uint32 }) => {
		expect(murmur3(input)).toBe(uint32);
	});

	it.each(murmurVectors.filter(({ input, seed }) => seed === 0 && isAscii(input)))(
		"salted at every split: $input",
		({ input, uint32 }) => {
			for (let split = 0; split <= input.length; split++) {
				expect(salted(input.slice(0, split), input.slice(split))).toBe(uint32);
			}
		},
	);

	it("hashes salt and id as one text", () => {
		const ascii = fc.string({ maxLength: 40 });
		fc.assert(fc.property(ascii, ascii, (salt, id) => salted(salt, id) === murmur3(salt + routableUnitId(id))));
	});
});

describe("cutoffs", () => {
	it("has the vectors", () => expect(fractionalVectors.length).toBeGreaterThan(100));

	it.each(fractionalVectors)("$hash_input → $variant", ({ hash_input, hash_uint32, distribution, variant }) => {
		expect(murmur3(hash_input)).toBe(hash_uint32);
		expect(pick(hash_uint32, distribution)).toBe(variant);
	});

	it("agrees with (hash × Σweights) >> 32 everywhere", () => {
		const weights = fc
			.array(fc.integer({ min: 0, max: MAX_TOTAL_WEIGHT }), { minLength: 1, maxLength: 20 })
			.filter((list) => list.some((weight) => weight > 0))
			.map((list) => {
				const total = list.reduce((sum, weight) => sum + weight, 0);
				return total <= MAX_TOTAL_WEIGHT ? list : list.map((weight) => Math.floor(weight / list.length));
			})
			.filter((list) => list.some((weight) => weight > 0));
		const hash = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1));
		fc.assert(
			fc.property(weights, hash, (list, h) => {
				const total = BigInt(list.reduce((sum, weight) => sum + weight, 0));
				const bucket = (BigInt(h) * total) >> 32n;
				let cumulated = 0n;
				const expected = list.findIndex((weight) => {
					cumulated += BigInt(weight);
					return cumulated > bucket;
				});
				expect(cutoffs(list).findIndex((end) => h < end)).toBe(expected);
			}),
		);
	});
});
