/** What telemetry consists of, as people count it: spans, and events, which are log records. */
export type Signal = "spans" | "events";

/** Why telemetry did not get out. */
export const DROP_REASONS = [
	/** More waited than may, since the collector was away or slow. */
	"queue-full",
	/** The collector said no, or the record could not be written for it. */
	"refused",
	/** The process left, and the spool could not take it. */
	"spool-failed",
	/** There is no logs API that would take the event. */
	"no-logs-api",
	/** The application's sampler did not want the span of a routed call. */
	"unsampled",
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

export type Drops = Record<Signal, Record<DropReason, number>>;

const SHARED = Symbol.for("armspan.delivery");

/** Whoever set up the exporters, as far as this package knows of them. */
interface Delivery {
	readonly drops: Drops;
	/** Sends what has ended; may hang or fail. */
	flush?: () => Promise<void>;
}

/** Of the process: every copy of this package sees the same. */
export function delivery(): Delivery {
	const globals = globalThis as { [SHARED]?: Delivery };
	globals[SHARED] ??= { drops: { spans: noDrops(), events: noDrops() } };
	return globals[SHARED];
}

function noDrops(): Record<DropReason, number> {
	return Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<DropReason, number>;
}
