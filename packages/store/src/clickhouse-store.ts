import { Decision } from "@armspan/schema";
import type { Connection, Insertion, QueryParameters } from "./connection.ts";
import { encodeLogRows, encodeTraceRows, LANDING_COLUMNS } from "./encode-rows.ts";
import { type ForgetUnitOptions, type ForgottenUnit, forgetUnit } from "./forget-unit.ts";
import {
	type MetricTotals,
	type MetricTotalsRequest,
	metricTotals,
	type SegmentTotals,
	type SegmentTotalsRequest,
	segmentTotals,
	type VersionTotalsRequest,
	versionTotals,
} from "./metrics/metric-totals.ts";
import { SqlSources } from "./metrics/sql-sources.ts";
import { type SumsSinceStart, type SumsSinceStartsRequest, sumsSinceStarts } from "./metrics/sums-since-starts.ts";
import { type VersionOverlap, versionOverlap } from "./metrics/version-overlap.ts";
import { migrate } from "./migrate.ts";
import { arrivalTimes } from "./queries/arrival-times.ts";
import { callIds } from "./queries/call-ids.ts";
import { callsBeyondRevision } from "./queries/calls-beyond-revision.ts";
import { counts } from "./queries/counts.ts";
import { evidenceHealth } from "./queries/evidence-health.ts";
import { highestRevision } from "./queries/highest-revision.ts";
import { lastCallStart } from "./queries/last-call-start.ts";
import { listDecisions } from "./queries/list-decisions.ts";
import { newestArrival } from "./queries/newest-arrival.ts";
import type { Query } from "./queries/query.ts";
import { seenUnits } from "./queries/seen-units.ts";
import { strayUnits } from "./queries/stray-units.ts";
import { violationWindows } from "./queries/violation-windows.ts";
import { type Retention, type RetentionOptions, setRetention } from "./retention.ts";
import type { EncodedRows, LogRow, TraceRow } from "./rows.ts";
import { encodeSnapshot } from "./snapshots/encode-snapshot.ts";
import { latestLooks } from "./snapshots/latest-looks.ts";
import type { Snapshot, WrittenLook } from "./snapshots/snapshot.ts";
import type {
	ArrivalTimesKey,
	CallIdentity,
	ClusterOptions,
	EvidenceHealth,
	EvidenceHealthKey,
	EvidenceKey,
	IterationKey,
	SeenUnitIds,
	SeenUnitsFilter,
	Store,
	StoreCounts,
	StrayUnits,
	StrayUnitsKey,
	ViolationWindows,
} from "./store.ts";
import { StoreError } from "./store-error.ts";
import { type SealedUnits, type SealRequest, sealUnitSums } from "./unit-sums/seal-unit-sums.ts";
import { type OpenUserSql, UserSql, type UserSqlLimits, type UserSqlResult } from "./user-sql.ts";

export interface StoreConnections {
	ingest: Connection;
	analysis: Connection;
	watch: Connection;
	/** For what may take an hour. */
	maintenance: Connection;
	openUserSql: OpenUserSql;
	close(): Promise<void>;
}

/** The store over four connections: a long analysis keeps neither an insert nor a look at the guardrails waiting. */
export class ClickHouseStore implements Store {
	readonly #ingest: Connection;
	readonly #analysis: Connection;
	readonly #watch: Connection;
	readonly #maintenance: Connection;
	readonly #userSql: UserSql;
	readonly #sqlSources: SqlSources;
	readonly #cluster: ClusterOptions | undefined;
	readonly #close: () => Promise<void>;

	constructor(connections: StoreConnections, cluster?: ClusterOptions) {
		this.#ingest = connections.ingest;
		this.#analysis = connections.analysis;
		this.#watch = connections.watch;
		this.#maintenance = connections.maintenance;
		this.#userSql = new UserSql(connections.openUserSql);
		this.#sqlSources = new SqlSources(new UserSql(connections.openUserSql));
		this.#cluster = cluster;
		this.#close = () => connections.close();
	}

	migrate(): Promise<string[]> {
		return migrate(this.#maintenance, this.#cluster);
	}

	insertTraces(rows: readonly TraceRow[]): Promise<void> {
		return this.#insertRows("otel_traces", rows, encodeTraceRows);
	}

	insertLogs(rows: readonly LogRow[]): Promise<void> {
		return this.#insertRows("otel_logs", rows, encodeLogRows);
	}

	async insertEncoded(batches: readonly EncodedRows[]): Promise<void> {
		const [table, ...others] = new Set(batches.filter(({ rows }) => rows > 0).map((batch) => batch.table));
		if (table === undefined) {
			return;
		}
		if (others.length > 0) {
			throw new StoreError("INSERT_FAILED", `cannot insert into ${table} and ${others[0]} at once`, { table });
		}
		const native = batches.filter(({ rows }) => rows > 0).map(({ block }) => block);
		await this.#insert({ table, columns: LANDING_COLUMNS[table], body: { native } });
	}

	metricTotals(request: MetricTotalsRequest): Promise<MetricTotals> {
		return this.#sqlSources.totals(request, (others) => metricTotals(this.#query, others));
	}

	segmentTotals(request: SegmentTotalsRequest): Promise<SegmentTotals[]> {
		return this.#sqlSources.segments(request, (others) => segmentTotals(this.#query, others));
	}

	sealUnitSums(request: SealRequest): Promise<SealedUnits> {
		return maintained(() => sealUnitSums(this.#maintenance, request, this.#cluster));
	}

	versionTotals(request: VersionTotalsRequest): Promise<MetricTotals> {
		return versionTotals(this.#query, request);
	}

	versionOverlap(request: VersionTotalsRequest): Promise<VersionOverlap> {
		return versionOverlap(this.#query, request);
	}

	arrivalTimes(key: ArrivalTimesKey): Promise<Date[]> {
		return arrivalTimes(this.#query, key);
	}

	sumsSinceStarts(request: SumsSinceStartsRequest): Promise<SumsSinceStart[]> {
		return sumsSinceStarts(this.#query, request);
	}

	strayUnits(key: StrayUnitsKey): Promise<StrayUnits> {
		return strayUnits(this.#query, key);
	}

	violationWindows(key: EvidenceKey & { origin: Date; windowSeconds: number }): Promise<ViolationWindows[]> {
		return violationWindows(this.#watchQuery, key);
	}

	async appendDecision(decision: Decision): Promise<void> {
		const { data: checked, error } = Decision.safeParse(decision);
		if (!checked) {
			throw new StoreError("DECISION_INVALID", `invalid decision: ${error.message}`, {}, { cause: error });
		}
		const { id, decidedAt, kind, actor, experiment, iteration, reason, environment = "" } = checked;
		const row = [
			id,
			String(Date.parse(decidedAt)),
			kind,
			actor,
			experiment,
			iteration,
			reason,
			JSON.stringify(checked),
			environment,
		];
		await this.#insert({
			table: "decisions",
			columns: ["id", "decided_at", "kind", "actor", "experiment", "iteration", "reason", "decision", "environment"],
			body: Buffer.from(`${JSON.stringify(row)}\n`),
		});
	}

	listDecisions(filter: Partial<IterationKey>): Promise<Decision[]> {
		return listDecisions(this.#watchQuery, filter);
	}

	async appendSnapshot(snapshot: Snapshot): Promise<void> {
		if (snapshot.arms.length > 0) {
			await this.#insert(encodeSnapshot(snapshot));
		}
	}

	latestLooks(key: Required<IterationKey> & { until: Date }): Promise<WrittenLook[]> {
		return latestLooks(this.#query, key);
	}

	lastCallStart(key: IterationKey & { variant: string; since?: Date }): Promise<Date | null> {
		return lastCallStart(this.#watchQuery, key);
	}

	callIds(filter: { since?: Date; environment?: string } = {}): Promise<CallIdentity[]> {
		return callIds(this.#query, filter);
	}

	seenUnits(filter: SeenUnitsFilter): Promise<SeenUnitIds> {
		return seenUnits(this.#query, filter);
	}

	highestRevision(filter: { environment?: string } = {}): Promise<number> {
		return highestRevision(this.#watchQuery, filter);
	}

	newestArrival(): Promise<Date | null> {
		return newestArrival(this.#watchQuery);
	}

	callsBeyondRevision(key: EvidenceKey): Promise<number> {
		return callsBeyondRevision(this.#query, key);
	}

	counts(): Promise<StoreCounts> {
		return counts(this.#query);
	}

	evidenceHealth(key: EvidenceHealthKey): Promise<EvidenceHealth[]> {
		return evidenceHealth(this.#query, key);
	}

	setRetention(options: RetentionOptions): Promise<Retention> {
		return maintained(() => setRetention(this.#maintenance, options, this.#cluster));
	}

	forgetUnit(options: ForgetUnitOptions): Promise<ForgottenUnit> {
		return maintained(() => forgetUnit(this.#maintenance, options, this.#cluster));
	}

	userSql(statement: string, limits?: UserSqlLimits): Promise<UserSqlResult> {
		return this.#userSql.run(statement, limits);
	}

	async ping(): Promise<void> {
		await this.#watchQuery("SELECT 1 AS one SETTINGS max_execution_time = 10", {});
	}

	close(): Promise<void> {
		return this.#close();
	}

	async #insertRows<Row>(
		table: EncodedRows["table"],
		rows: readonly Row[],
		encode: (rows: readonly Row[]) => Uint8Array,
	): Promise<void> {
		if (rows.length === 0) {
			return;
		}
		let block: Uint8Array;
		try {
			block = encode(rows);
		} catch (error) {
			throw insertError(table, error);
		}
		await this.#insert({ table, columns: LANDING_COLUMNS[table], body: { native: [block] } });
	}

	async #insert(insertion: Insertion): Promise<void> {
		try {
			await this.#ingest.insert(insertion);
		} catch (error) {
			throw insertError(insertion.table, error);
		}
	}

	readonly #query: Query = (sql, parameters) => run(this.#analysis, sql, parameters);
	readonly #watchQuery: Query = (sql, parameters) => run(this.#watch, sql, parameters);
}

async function maintained<Result>(task: () => Promise<Result>): Promise<Result> {
	try {
		return await task();
	} catch (error) {
		throw asStoreError("QUERY_FAILED", "maintenance failed", error);
	}
}

async function run<Row>(connection: Connection, sql: string, parameters: QueryParameters): Promise<Row[]> {
	try {
		return await connection.query<Row>(sql, parameters);
	} catch (error) {
		throw asStoreError("QUERY_FAILED", "query failed", error);
	}
}

function asStoreError(code: "QUERY_FAILED", what: string, cause: unknown): StoreError {
	if (cause instanceof StoreError) {
		return cause;
	}
	return new StoreError(code, `${what}: ${cause instanceof Error ? cause.message : String(cause)}`, {}, { cause });
}

/**
 * ClickHouse quotes the row that it could not read, and a row may hold what people wrote to a model: of its message
 * only what stands before the quotation is kept, and the original is not passed on to whoever logs.
 */
function insertError(table: string, cause: unknown): StoreError {
	if (cause instanceof StoreError) {
		return cause;
	}
	const message = cause instanceof Error ? cause.message : String(cause);
	const kept = message.split("\n", 1)[0]?.replace(/(?: before)?: '.*$/, "") ?? "";
	return new StoreError("INSERT_FAILED", `cannot insert into ${table}: ${kept.slice(0, 500)}`, { table });
}
