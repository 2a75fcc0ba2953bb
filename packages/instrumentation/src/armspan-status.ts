import type { SourceProblemCode } from "@armspan/router";
import type { RecognitionCounters } from "./code-prompt-memory.ts";
import type { Drops } from "./delivery.ts";

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
	"referencesRefused",
	"unitIdsRejected",
	"shadowCalls",
	"shadowDropped",
	"shadowFailed",
	"shadowUnavailable",
	"bundlesLoaded",
	"bundlesRefused",
	"cacheFailures",
	"internalErrors",
] as const;

type CounterName = (typeof COUNTERS)[number];
export type Counters = Record<CounterName, number>;

/** Where the bundle in force comes from. */
export type RoutingOrigin = "routing-directory" | "routing-url" | "cache" | "bundled-default" | "none";

/** Why a bundle may not be the newest: the code of what is wrong with its source, or that only the cache has spoken. */
export type StaleReason = SourceProblemCode | "FROM_CACHE";

export interface ArmspanStatus {
	readonly started: boolean;
	readonly routingDirectory: string | undefined;
	readonly routingUrl: string | undefined;
	/** Revision in force; `undefined` when no bundle could be read. */
	readonly revision: number | undefined;
	/** `armspan/<environment>` of the bundle in force. */
	readonly flagSetId: string | undefined;
	/** sha256 of its `routing.json`. */
	readonly routingDigest: string | undefined;
	/** Commit that it was compiled from. */
	readonly sourceCommit: string | undefined;
	readonly source: RoutingOrigin;
	/** The source cannot be read at present; an older bundle is in force, or none. */
	readonly stale: boolean;
	/** `undefined` when not stale. */
	readonly staleReason: StaleReason | undefined;
	/** Milliseconds since the source last said that the bundle in force is its newest; `undefined` without one of its own. */
	readonly ageMs: number | undefined;
	/** Why the last good bundle cannot be kept for the next start. */
	readonly cacheProblem: string | undefined;
	readonly lastError: string | undefined;
	/** How unit ids leave the process. */
	readonly unitIds: "raw" | "hmac-sha256" | "withheld";
	readonly counters: Readonly<Counters>;
	/** Telemetry of this process that did not get out, as far as `@armspan/register` or this package sends it. */
	readonly drops: Readonly<Drops>;
	/** Requests of this process in which `@armspan/register` has looked for prompts in code. */
	readonly promptsInCode: Readonly<RecognitionCounters>;
}

export function createCounters(): Counters {
	return Object.fromEntries(COUNTERS.map((name) => [name, 0])) as Counters;
}
