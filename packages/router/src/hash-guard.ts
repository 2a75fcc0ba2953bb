import type { JsonValue } from "@armspan/schema";
import { isSameJson } from "./same-json.ts";
import { SHARE_STEPS } from "./shares.ts";

/** Evaluator that is true for readers that hash as the file means, and false for those of another generation. */
export const HASH_GUARD = "hash-is-v2";

/**
 * A draw of a constant, so it comes out alike for all units: hash 27849, bucket 0 of 100,000, in flagd's v2. In v1 it is
 * bucket 0.0013 % and in v3, which hashes CBOR, bucket 6,837: both beyond the first 0.001 %.
 */
export const HASH_GUARD_EVALUATOR: JsonValue = {
	fractional: ["flagd-fractional-v2:114187", [true, 1], [false, SHARE_STEPS - 1]],
};

/**
 * Stands in front of the rules and leads to the default: flagd providers do not look at `metadata.hash`, and one of
 * another generation would give half of all units another arm in silence.
 */
export const HASH_GUARD_CONDITION: JsonValue = { "!": [{ $ref: HASH_GUARD }] };

/** Whether a condition is the guard. This package hashes v2, so no unit of its own ever meets it. */
export function isHashGuard(node: JsonValue | undefined): boolean {
	return isSameJson(HASH_GUARD_CONDITION, node);
}

/** Whether an evaluator of the guard's name is the guard's; with another constant it would shut out everybody. */
export function isHashGuardEvaluator(node: JsonValue | undefined): boolean {
	return isSameJson(HASH_GUARD_EVALUATOR, node);
}
