import type { JsonValue } from "@armspan/schema";
import { cutoffs, MAX_TOTAL_WEIGHT } from "./cutoffs.ts";
import { type Lint, operation } from "./lint.ts";
import { saltedMurmur3 } from "./murmur3.ts";
import type { UnitId } from "./unit-id.ts";

/** A `fractional` of the profile, read and checked. */
export interface Fractional {
	/** Without the colon. */
	readonly salt: string;
	readonly values: readonly (string | boolean)[];
	readonly weights: readonly number[];
	/** Signed 32-bit; `>>> 0` makes it the hash. */
	readonly hash: (unit: UnitId) => number;
	/** Hash below which each value's bucket ends; the last is 2³². */
	readonly ends: Float64Array;
}

const SALT = /^[\x21-\x7e]+:$/;

/** `[{"cat":["<salt>:",{"var":"targetingKey"}]}, [value, weight], …]`; problems go to `lint`. */
export function readFractional(args: readonly JsonValue[], path: string, lint: Lint): Fractional | undefined {
	const before = lint.problems.length;
	const [seed, ...entries] = args;
	const salt = readSalt(seed, `${path}[0]`, lint);
	if (entries.length === 0) lint.add("WEIGHT_INVALID", path, args, "expected at least one [value, weight]");
	const values: (string | boolean)[] = [];
	const weights: number[] = [];
	entries.forEach((entry, index) => {
		const entryPath = `${path}[${index + 1}]`;
		const [value, weight] = Array.isArray(entry) && entry.length === 2 ? entry : [];
		if (typeof value !== "string" && typeof value !== "boolean") {
			lint.add("TARGETING_INVALID", entryPath, entry, "expected [value, weight] with a text, true or false");
		} else if (typeof weight !== "number" || !Number.isInteger(weight) || weight < 1 || weight > MAX_TOTAL_WEIGHT) {
			lint.add("WEIGHT_INVALID", `${entryPath}[1]`, weight, "expected an integer ≥ 1; leave out what gets nobody");
		} else {
			values.push(value);
			weights.push(weight);
		}
	});
	const total = weights.reduce((sum, weight) => sum + weight, 0);
	if (total > MAX_TOTAL_WEIGHT)
		lint.add("WEIGHT_INVALID", path, total, `the weights must add up to ≤ ${MAX_TOTAL_WEIGHT}`);
	if (new Set(values.map((value) => typeof value)).size > 1) {
		lint.add("TARGETING_INVALID", path, values, "expected only texts or only true and false");
	}
	if (salt === undefined || lint.problems.length > before) return undefined;
	return { salt: salt.slice(0, -1), values, weights, hash: saltedMurmur3(salt), ends: cutoffs(weights) };
}

/** Index of the value that the unit draws. */
export function drawnIndex({ hash, ends }: Fractional, unit: UnitId): number {
	const drawn = hash(unit) >>> 0;
	let index = 0;
	while (drawn >= ends[index]!) index++;
	return index;
}

/** A draw, laid open. */
export interface Draw {
	/** What is hashed is `<salt>:<routable id>`. */
	readonly salt: string;
	/** murmur3_32, unsigned. */
	readonly hash: number;
	/** `(hash × total) >> 32` */
	readonly bucket: number;
	/** Sum of the weights. */
	readonly total: number;
	/** First bucket of the range that the bucket fell into. */
	readonly from: number;
	/** First bucket after it. */
	readonly to: number;
	readonly value: string | boolean;
}

/** What `drawnIndex` does, by the published rule instead of by cutoffs. */
export function openDraw({ salt, values, weights, hash }: Fractional, unit: UnitId): Draw {
	const drawn = hash(unit) >>> 0;
	const total = weights.reduce((sum, weight) => sum + weight, 0);
	const bucket = Number((BigInt(drawn) * BigInt(total)) >> 32n);
	let index = 0;
	let to = weights[0]!;
	while (bucket >= to) to += weights[++index]!;
	return { salt, hash: drawn, bucket, total, from: to - weights[index]!, to, value: values[index]! };
}

function readSalt(seed: JsonValue | undefined, path: string, lint: Lint): string | undefined {
	const cat = operation(seed);
	const [salt, unit] = cat?.operator === "cat" && cat.args.length === 2 ? cat.args : [];
	const variable = operation(unit);
	if (
		typeof salt !== "string" ||
		variable?.operator !== "var" ||
		variable.args.length !== 1 ||
		variable.args[0] !== "targetingKey"
	) {
		lint.add("SALT_INVALID", path, seed, 'expected {"cat":["<salt>:",{"var":"targetingKey"}]}');
		return undefined;
	}
	if (!SALT.test(salt)) {
		lint.add("SALT_INVALID", `${path}.cat[0]`, salt, 'expected printable ASCII without spaces, ending in ":"');
		return undefined;
	}
	lint.useSalt(salt, `${path}.cat[0]`);
	return salt;
}
