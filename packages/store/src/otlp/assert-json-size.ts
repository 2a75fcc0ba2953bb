import { OTLP_LIMITS } from "./limits.ts";

/** Below that no body can be parsed into more than some tens of megabytes. */
const HARMLESS_BYTES = 1_048_576;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Counts what a JSON text would be parsed into: `JSON.parse` takes 80 bytes and more for a single bracket, so that 20 MB
 * of brackets become 1.5 GB, which no limit of the heap stops.
 * @throws {RangeError}
 */
export function assertJsonSize(body: Uint8Array): void {
	if (body.length <= HARMLESS_BYTES) {
		return;
	}
	let depth = 0;
	let containers = 0;
	for (let index = 0; index < body.length; index++) {
		switch (body[index]) {
			case QUOTE:
				index = endOfText(body, index + 1);
				break;
			case 0x5b: // [
			case 0x7b: // {
				depth += 1;
				containers += 1;
				if (depth > OTLP_LIMITS.jsonDepth) {
					throw new RangeError(`nested deeper than ${OTLP_LIMITS.jsonDepth}`);
				}
				if (containers > OTLP_LIMITS.jsonContainers) {
					throw new RangeError(`more than ${OTLP_LIMITS.jsonContainers} objects and lists`);
				}
				break;
			case 0x5d: // ]
			case 0x7d: // }
				depth -= 1;
				break;
		}
	}
}

/** Index of the quote that ends the text, or the end of the body. */
function endOfText(body: Uint8Array, start: number): number {
	let index = start;
	while (index < body.length && body[index] !== QUOTE) {
		index += body[index] === BACKSLASH ? 2 : 1;
	}
	return index;
}
