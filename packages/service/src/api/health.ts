import { z } from "zod";

/** What `/healthz` answers. */
export const Health = z.strictObject({
	status: z.enum(["ok", "degraded"]),
	version: z.string(),
	store: z.enum(["ok", "unreachable"]),
	routing: z.strictObject({
		revision: z.int(),
		sourceCommit: z.string(),
		/** Why the newest commit is not deployed; `null` when it is. */
		problem: z.string().nullable(),
	}),
	guardrails: z.strictObject({
		lastCheckAt: z.iso.datetime().nullable(),
		consecutiveFailures: z.int(),
		/** Running experiments with a guardrail that is not measured, for want of data or of an answer: not good news. */
		unmeasured: z.array(z.string()),
		uncommittedHalts: z.int(),
		ignoredHalts: z.array(z.string()),
	}),
	/** Looks whose comparisons are kept for dashboards. */
	looks: z.strictObject({
		lastLookAt: z.iso.datetime().nullable(),
		/** What fails stays failed until it succeeds; what a look says is an insert, so that a full disk shows. */
		consecutiveFailures: z.int(),
		failures: z.int(),
		/** How long the last round of looks took; it is followed by nine times as long without one. */
		roundMs: z.number().nullable(),
		/** Why looks come less often than once a minute; `null` when they do not. No fault: guardrails wait for no look. */
		lagging: z.string().nullable(),
	}),
	/** Whose evidence counts, and what somebody should look at. */
	evidence: z.strictObject({
		environment: z.string(),
		/** When the newest call of any environment arrived, as of a minute ago; `null` when none is known. */
		newestAt: z.iso.datetime().nullable(),
		warnings: z.array(z.string()),
	}),
	ingest: z.strictObject({
		pendingSpans: z.int(),
		pendingEvents: z.int(),
		/** Inserts of what this service received that failed in a row; Collectors write past it. */
		consecutiveFailures: z.int(),
	}),
});
export type Health = z.infer<typeof Health>;
