/** Events that Armspan counted instead of troubling the application with them. */
const COUNTERS = [
	"routedCalls",
	"unroutedCalls",
	"renderFallbacks",
	"callerFallbacks",
	"emptyPrompts",
	"taggedSpans",
	"exposuresEmitted",
	"evaluationsEmitted",
	"evaluationsRejected",
	"eventsDropped",
	"unitIdsRejected",
	"shadowCalls",
	"shadowDropped",
	"shadowFailed",
	"shadowUnavailable",
	"bundlesLoaded",
	"bundlesRefused",
	"internalErrors",
] as const;

type CounterName = (typeof COUNTERS)[number];
export type Counters = Record<CounterName, number>;

export interface ArmspanStatus {
	readonly started: boolean;
	readonly routingDirectory: string | undefined;
	/** Revision in force; `undefined` when no bundle could be read. */
	readonly revision: number | undefined;
	readonly source: "routing-directory" | "bundled-default" | "none";
	/** The routing directory cannot be read at present; an older bundle is in force, or none. */
	readonly stale: boolean;
	readonly lastError: string | undefined;
	/** How unit ids leave the process. */
	readonly unitIds: "raw" | "hmac-sha256" | "withheld";
	readonly counters: Readonly<Counters>;
}

export function createCounters(): Counters {
	return Object.fromEntries(COUNTERS.map((name) => [name, 0])) as Counters;
}
