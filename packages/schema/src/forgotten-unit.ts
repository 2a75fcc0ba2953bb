import { z } from "zod";

/** `POST /api/v1/units/forget` */
export const UnitForgetting = z.strictObject({
	/** The unit's id as the application gives it and, where ids leave it hashed, as HMAC. */
	unitIds: z
		.array(
			z
				.string()
				.min(1)
				.max(1000)
				.refine((id) => !id.includes("\0"), "expected no NUL"),
		)
		.min(1)
		.max(10),
	/** Who asked, for the record. */
	by: z.string().min(1).max(200),
});
export type UnitForgetting = z.infer<typeof UnitForgetting>;

/** What was erased. */
export const UnitForgotten = z.strictObject({
	schemaVersion: z.literal(1),
	/** Of the record. */
	id: z.uuid(),
	erasedAt: z.iso.datetime(),
	/** Rows by table. */
	erased: z.record(z.string(), z.int()),
	/** Where the id still stands: rows of others that mention it, or rows that came meanwhile. */
	remaining: z.array(z.strictObject({ table: z.string(), column: z.string(), rows: z.int() })),
});
export type UnitForgotten = z.infer<typeof UnitForgotten>;
