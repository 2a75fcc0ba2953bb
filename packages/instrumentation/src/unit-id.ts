import { createHmac } from "node:crypto";
import type { ResolvedOptions } from "./armspan-options.ts";

/** Longer ids are no ids; hashing them would cost the caller. */
const MAX_UNIT_ID_LENGTH = 1000;

/**
 * A unit id as routing hashes it.
 * @returns the text; integers are written out, since ids often are numbers; `undefined` for anything else
 */
export function readUnitId(value: unknown): string | undefined {
	if (typeof value === "string") return value !== "" && value.length <= MAX_UNIT_ID_LENGTH ? value : undefined;
	if (typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value))) return String(value);
	return undefined;
}

/** Turns a unit id into what may leave the process, or `undefined` when nothing may. */
export type UnitIdMask = (unitId: string) => string | undefined;

/** @returns HMAC-SHA256 in hex under the key; the id itself without one; nothing when the key is unusable */
export function createUnitIdMask(options: Pick<ResolvedOptions, "unitKey" | "unitKeyUnusable">): UnitIdMask {
	const { unitKey } = options;
	if (options.unitKeyUnusable) return () => undefined;
	if (unitKey === undefined) return (unitId) => unitId;
	return (unitId) => createHmac("sha256", unitKey).update(unitId, "utf8").digest("hex");
}
