import { MAX_FLAGS } from "../routing-schema.ts";

/** A compiled file has less than 30. */
const MAX_DEPTH = 100;
/** Flags, evaluators and metadata. */
const MAX_ENTRIES = MAX_FLAGS + 1_000;
/** A flag with a thousand overrides has less than half. */
const MAX_VALUES_PER_ENTRY = 10_000;
const SLICE_BYTES = 64 * 1024;

/** What makes a text costly to parse and check; `flags` when there are too many of them, else `depth` or `values`. */
export type ShapeProblem = { readonly limit: "flags" | "depth" | "values"; readonly fix: string };

const TOO_DEEP: ShapeProblem = { limit: "depth", fix: `nested deeper than ${MAX_DEPTH}` };
const TOO_MANY: ShapeProblem = { limit: "flags", fix: `more than ${MAX_FLAGS} flags, which is the limit` };
const TOO_WIDE: ShapeProblem = {
	limit: "values",
	fix: `a flag or evaluator of more than ${MAX_VALUES_PER_ENTRY} values, which is the limit`,
};

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/**
 * Bounds what parsing and checking a routing file may cost, before it is parsed: neither can be interrupted inside of a
 * flag. Whether the bytes are JSON is not its business.
 */
export function* shapeProblemSteps(bytes: Uint8Array): Generator<void, ShapeProblem | undefined, void> {
	let depth = 0;
	let entries = 0;
	let values = 0;
	let isInText = false;
	for (let index = 0; index < bytes.length; index++) {
		if (index % SLICE_BYTES === SLICE_BYTES - 1) yield;
		const byte = bytes[index];
		if (isInText) {
			if (byte === BACKSLASH) index++;
			else if (byte === QUOTE) isInText = false;
			continue;
		}
		if (byte === QUOTE) isInText = true;
		else if (byte === COMMA) {
			if (depth <= 2) {
				values = 0;
				if (++entries > MAX_ENTRIES) return TOO_MANY;
			} else if (++values > MAX_VALUES_PER_ENTRY) return TOO_WIDE;
		} else if (byte === 0x7b || byte === 0x5b) {
			if (++depth > MAX_DEPTH) return TOO_DEEP;
		} else if (byte === 0x7d || byte === 0x5d) depth--;
	}
	return undefined;
}
