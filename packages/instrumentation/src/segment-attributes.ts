import { ARMSPAN_SEGMENT_PREFIX } from "@armspan/schema/semconv";
import type { Attributes } from "@opentelemetry/api";

/**
 * What a segment may be called: a short word or two. Sentences, addresses and whatever else an attribute may hold by
 * accident do not leave the process.
 */
const CATEGORY = /^[\p{L}\p{N}_.:/+-]+(?: [\p{L}\p{N}_.:/+-]+){0,3}$/u;
const MAX_CATEGORY_CHARACTERS = 64;

const NONE: Readonly<Attributes> = Object.freeze({});

/**
 * Segments of a unit as its exposure reports them: of the named attributes those that are texts of at most four words
 * and 64 characters, finite numbers or booleans. Others are left out; never throws.
 */
export function segmentAttributes(names: readonly string[], given: unknown): Readonly<Attributes> {
	if (names.length === 0 || typeof given !== "object" || given === null) return NONE;
	const attributes: Attributes = {};
	for (const name of names) {
		const category = categoryOf(given, name);
		if (category !== undefined) attributes[ARMSPAN_SEGMENT_PREFIX + name] = category;
	}
	return attributes;
}

function categoryOf(given: object, name: string): string | undefined {
	try {
		if (!Object.hasOwn(given, name)) return undefined;
		const value: unknown = Reflect.get(given, name);
		if (typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))) return String(value);
		return typeof value === "string" && value.length <= MAX_CATEGORY_CHARACTERS && CATEGORY.test(value)
			? value
			: undefined;
	} catch {
		// An attribute that cannot even be read is none.
		return undefined;
	}
}
