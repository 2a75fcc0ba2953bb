import { z } from "zod";

/** `POST /api/v1/units/forget` */
export const UnitForgetting = z.strictObject({
	/** The unit's id as the application gives it and, where ids leave it hashed, as HMAC. */
	unitIds: z.array(z.string().min(1).max(1000)).min(1).max(10),
	/** Who asked, for the record. */
	by: z.string().min(1).max(200),
	/** Counts what would be erased, and changes nothing. */
	dryRun: z.boolean().optional(),
	/**
	 * Whether rows of no unit that mention this one outside of its traces are erased, too. When left out they are, unless
	 * they are more than 1,000: then nothing is erased (`FORGET_TOO_WIDE`).
	 */
	everywhere: z.boolean().optional(),
});
export type UnitForgetting = z.infer<typeof UnitForgetting>;

/** What was erased, or would be. */
export const UnitForgotten = z.strictObject({
	schemaVersion: z.literal(1),
	/** Of the record; null of a dry run. */
	id: z.uuid().nullable(),
	erasedAt: z.iso.datetime().nullable(),
	/** Rows by table. */
	erased: z.record(z.string(), z.int()),
	/** Rows of no unit outside of the unit's traces that mention it, by table. */
	outside: z.record(z.string(), z.int()),
	/** Where the id still stands: rows of others that mention it, or rows that came meanwhile. */
	remaining: z.array(z.strictObject({ table: z.string(), column: z.string(), rows: z.int() })),
});
export type UnitForgotten = z.infer<typeof UnitForgotten>;
