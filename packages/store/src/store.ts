import type { Decision } from "@armspan/schema";
import type { ForgetUnitOptions, ForgottenUnit } from "./forget-unit.ts";
import type {
	MetricTotals,
	MetricTotalsRequest,
	SegmentTotals,
	SegmentTotalsRequest,
	VersionTotalsRequest,
} from "./metrics/metric-totals.ts";
import type { SumsSinceStart, SumsSinceStartsRequest } from "./metrics/sums-since-starts.ts";
import type { VersionOverlap } from "./metrics/version-overlap.ts";
import type { Retention, RetentionOptions } from "./retention.ts";
import type { EncodedRows, LogRow, TraceRow } from "./rows.ts";
import type { Snapshot, WrittenLook } from "./snapshots/snapshot.ts";
import type { SealedUnits, SealRequest } from "./unit-sums/seal-unit-sums.ts";
import type { UserSqlLimits, UserSqlResult } from "./user-sql.ts";

export type StoreOptions =
	| { kind: "embedded"; path: string }
	| {
			kind: "server";
			url: string;
			database?: string;
			username?: string;
			password?: string;
			/**
			 * Who runs user SQL: somebody who may only SELECT from this database, with limits in the settings profile
			 * (docs/sql-examples.md). Without, it is the same user, read-only.
			 */
			reader?: { username: string; password?: string };
			/** Tables are spread over this cluster; any of its nodes may be the one at `url`. */
			cluster?: ClusterOptions;
	  };

export interface ClusterOptions {
	/** Name in `remote_servers` of the servers' configuration. */
	name: string;
	/**
	 * Tables are replicated by Keeper and every change goes to all nodes (macros `shard` and `replica` are set on each).
	 * With `false` there are no replicas, and each node is migrated by itself.
	 * @default true
	 */
	replicated?: boolean;
}

/** Which iteration of which experiment. */
export interface IterationKey {
	experiment: string;
	iteration: number;
	/**
	 * Only evidence of this environment (`deployment.environment.name` of the resource), and evidence that names none;
	 * all environments when left out.
	 */
	environment?: string;
}

/** Evidence of one iteration; all of it when neither is given. */
export interface EvidenceKey extends IterationKey {
	/** Last routing revision that counts. */
	untilRevision?: number;
	/** Calls, exposures and events after it do not count, whatever their revision; nor do those whose time cannot be. */
	closedAt?: Date;
}

/**
 * Sums over units of a ratio metric's numerator Y and denominator N, exact integers.
 * `units` counts units with N > 0; `sumY / sumN / scale` is the mean in the metric's unit times
 * what `scale` says: error-rate 1, latency 1000 (µs per ms), cost 1e9, feedback 1e6, conversion 1.
 */
export interface RatioMoments {
	units: number;
	sumY: bigint;
	sumN: bigint;
	sumYY: bigint;
	sumNN: bigint;
	sumYN: bigint;
	/** What Y is divided by to get the unit of the schema's METRICS. */
	scale: number;
}

/** Failed calls of a variant that has an enrolled call. */
export interface ViolationWindows {
	variant: string;
	/** Units by the window of their latest failed call, ascending; units without a failed call appear in none. */
	windows: { window: number; units: number }[];
}

export interface CallIdentity {
	traceId: string;
	spanId: string;
	responseId: string;
	variant: string;
	promptVersion: string;
	unitId: string;
	isError: boolean;
	/** Nobody saw its answer, and no comparison counts it. */
	isShadow: boolean;
}

export interface SeenUnitsFilter {
	unit: "user" | "session" | "request";
	since: Date;
	/** Ids listed at most. */
	limit: number;
	/** As in IterationKey. */
	environment?: string;
}

export interface SeenUnitIds {
	/** As the application gave them, most recent first. */
	units: string[];
	truncated: boolean;
	/** Units whose ids are HMACs: counted, not listed. */
	hashed: number;
}

export interface StoreCounts {
	/** Rows as delivered, repeats included. */
	traces: number;
	logs: number;
	/** By identity: repeats count once. */
	calls: number;
	exposures: number;
	evaluations: number;
	/** Of these three, rows with a value or a time that cannot be: it counts in no statistic. */
	quarantined: number;
}

/** Rows of one kind in one environment, each once. */
export interface EvidenceHealth {
	source: "calls" | "exposures" | "evaluations";
	/** As the resource named it; '' when it named none. */
	environment: string;
	rows: number;
	/**
	 * Rows with a value or a time that cannot be (NaN, infinite, negative, out of range, feedback not between 0 and 1),
	 * and enrolled ones of nobody: it counts in no statistic.
	 */
	quarantined: number;
	/** Rows without a believable time. */
	undated: number;
}

export interface EvidenceHealthKey extends IterationKey {
	/** All when left out; calls are most of the rows. */
	sources?: readonly EvidenceHealth["source"][];
	/**
	 * Only sources with a quarantined row, and nothing where there is none: the rest is not counted, which costs with the
	 * iteration.
	 */
	onlyQuarantined?: boolean;
}

export interface ArrivalTimesKey extends EvidenceKey {
	readonly numbers: readonly number[];
	/** Only units of these variants come; of any when left out. */
	readonly variants?: readonly string[];
}

export interface StrayUnitsKey extends EvidenceKey {
	/** Those that the iteration has. */
	readonly variants: readonly string[];
}

/** Units with evidence of variants that the iteration has not: no arm counts them. */
export interface StrayUnits {
	readonly units: number;
	/** Seen in several variants, none of them known: `metricTotals` counts them in `excludedUnits`. */
	readonly onlyUnknownUnits: number;
	/** Unknown ones, those with the most units first. */
	readonly variants: readonly {
		readonly variant: string;
		readonly units: number;
		/** Of these, units that were in a known variant as well: they are excluded. */
		readonly unitsInKnown: number;
	}[];
}

/** The evidence store: what happened, in ClickHouse, embedded or server. Every method throws StoreError. */
export interface Store {
	/** Brings the schema up to date; idempotent. Returns the names of the migrations that were run. */
	migrate(): Promise<string[]>;
	/** Resolves when the rows are committed; one INSERT, safe to repeat. */
	insertTraces(rows: readonly TraceRow[]): Promise<void>;
	insertLogs(rows: readonly LogRow[]): Promise<void>;
	/** The same with the rows of several requests, of one table, as `transcodeTraces` or `transcodeLogs` gave them. */
	insertEncoded(batches: readonly EncodedRows[]): Promise<void>;
	/** Exact sums of any metrics, by variant and day of first exposure. */
	metricTotals(request: MetricTotalsRequest): Promise<MetricTotals>;
	/** The same by segment of the unit instead of day. */
	segmentTotals(request: SegmentTotalsRequest): Promise<SegmentTotals[]>;
	/** Sums the units of an iteration up to half an hour ago, so that later `metricTotals` read little more than what came since. */
	sealUnitSums(request: SealRequest): Promise<SealedUnits>;
	/** The same by version of a prompt, without any experiment. */
	versionTotals(request: VersionTotalsRequest): Promise<MetricTotals>;
	/** What units that used both of two versions did in each. */
	versionOverlap(request: VersionTotalsRequest): Promise<VersionOverlap>;
	/** When the n-th unit was first exposed, of those in one variant, for each of the ascending numbers that was reached. */
	arrivalTimes(key: ArrivalTimesKey): Promise<Date[]>;
	/** Units whose evidence names variants that the iteration has not. */
	strayUnits(key: StrayUnitsKey): Promise<StrayUnits>;
	/**
	 * For each variant the number of units whose latest failed call lies in each window
	 * `floor((start − origin) / windowSeconds)`, at least 0: a suffix sum gives, for every start j,
	 * the units with a violation since j. A unit with failed calls or exposures in two variants is left out.
	 */
	violationWindows(key: EvidenceKey & { origin: Date; windowSeconds: number }): Promise<ViolationWindows[]>;
	/** For every start and arm the exact sums of what units did since, for a watch of changes that come late. */
	sumsSinceStarts(request: SumsSinceStartsRequest): Promise<SumsSinceStart[]>;
	appendDecision(decision: Decision): Promise<void>;
	/** Each decision once, oldest first. */
	listDecisions(filter: Partial<IterationKey>): Promise<Decision[]>;
	/** Writes what a look said; the same look written again, by whomever, replaces itself. */
	appendSnapshot(snapshot: Snapshot): Promise<void>;
	/** The two newest looks up to a moment at an iteration in exactly this environment, newest first. */
	latestLooks(key: Required<IterationKey> & { until: Date }): Promise<WrittenLook[]>;
	/** Start of a variant's newest enrolled call, of those that started after `since`; cheap where there are none. */
	lastCallStart(key: IterationKey & { variant: string; since?: Date }): Promise<Date | null>;
	/**
	 * Calls that started at `since` or later, oldest first; each once. As far back as landing tables reach, since evidence
	 * keeps no ids. `environment` as in IterationKey.
	 */
	callIds(filter: { since?: Date; environment?: string }): Promise<CallIdentity[]>;
	/** Units with a call or an exposure since then, shadows included. */
	seenUnits(filter: SeenUnitsFilter): Promise<SeenUnitIds>;
	/** Highest routing revision that evidence or a decision names, `environment` as in IterationKey; 0 when none does. */
	highestRevision(filter?: { environment?: string }): Promise<number>;
	/** When the newest call arrived, of any environment; `null` without calls. */
	newestArrival(): Promise<Date | null>;
	/** Calls begun up to `closedAt` that count nowhere, since they name a revision above `untilRevision`. */
	callsBeyondRevision(key: EvidenceKey): Promise<number>;
	counts(): Promise<StoreCounts>;
	/** What an iteration's evidence is made of, by kind and environment. */
	evidenceHealth(key: EvidenceHealthKey): Promise<EvidenceHealth[]>;
	/** Sets how long rows are kept, never shorter than a running iteration needs; idempotent. */
	setRetention(options: RetentionOptions): Promise<Retention>;
	/** Erases a unit everywhere, looks for what is left, and records that it was done. */
	forgetUnit(options: ForgetUnitOptions): Promise<ForgottenUnit>;
	/** Answers one SELECT of a user, checked, read-only and within limits, on a connection of its own. */
	userSql(statement: string, limits?: UserSqlLimits): Promise<UserSqlResult>;
	/** Resolves when the engine answers. */
	ping(): Promise<void>;
	close(): Promise<void>;
}
