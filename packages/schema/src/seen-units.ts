import { z } from "zod";

/** `GET /api/v1/units`: ids of units that were seen, most recent first. */
export const SeenUnits = z.strictObject({
	schemaVersion: z.literal(1),
	unit: z.enum(["user", "session", "request"]),
	since: z.iso.datetime(),
	/** Ids as the application gave them. */
	units: z.array(z.string()),
	/** More were seen than are listed. */
	truncated: z.boolean(),
	/** Units whose ids left the application as HMAC, which nobody can route: counted, not listed. */
	hashed: z.int(),
});
export type SeenUnits = z.infer<typeof SeenUnits>;
