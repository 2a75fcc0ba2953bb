/** Longer ids are no ids; hashing them would cost the caller. */
export const MAX_UNIT_ID_LENGTH = 1000;

/**
 * The one rule of what a unit's id is, for what is hashed and for what is tagged alike.
 *
 * @returns a text of 1 to 1,000 UTF-16 code units as it is; safe integers and bigints written out, since ids often are
 *   numbers; `undefined`, which is no unit, for anything else
 */
export function readUnitId(value: unknown): string | undefined {
	if (typeof value === "string") return value !== "" && value.length <= MAX_UNIT_ID_LENGTH ? value : undefined;
	if (typeof value === "number") return Number.isSafeInteger(value) ? String(value) : undefined;
	return typeof value === "bigint" ? readUnitId(String(value)) : undefined;
}
