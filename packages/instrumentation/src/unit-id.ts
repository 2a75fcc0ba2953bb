import { createHmac } from "node:crypto";
import type { ResolvedOptions } from "./armspan-options.ts";

// Routing's own rule, so that what is tagged is what was hashed.
export { readUnitId } from "@armspan/router";

/** Turns a unit id into what may leave the process, or `undefined` when nothing may. */
export type UnitIdMask = (unitId: string) => string | undefined;

/** @returns HMAC-SHA256 in hex under the key; the id itself without one; nothing when the key is unusable */
export function createUnitIdMask(options: Pick<ResolvedOptions, "unitKey" | "unitKeyUnusable">): UnitIdMask {
	const { unitKey } = options;
	if (options.unitKeyUnusable) return () => undefined;
	if (unitKey === undefined) return (unitId) => unitId;
	return (unitId) => createHmac("sha256", unitKey).update(unitId, "utf8").digest("hex");
}
