import { type MetricDefinition, metricScale } from "@armspan/schema";
import { StoreError } from "../store-error.ts";
import type { UserSql } from "../user-sql.ts";
import { MetricMeasures } from "./metric-measures.ts";
import {
	type ArmTotals,
	isWindowed,
	type MetricSums,
	type MetricTotals,
	type MetricTotalsRequest,
	metricSums,
	parametersOf,
	type SegmentTotals,
	type SegmentTotalsRequest,
	type SqlSourceFacts,
} from "./metric-totals.ts";
import { sourceQuery } from "./source-query.ts";
import { SourceRests } from "./source-rests.ts";
import { sqlSourceSql } from "./sql-source-sql.ts";
import type { CellTuple } from "./totals-row.ts";

/** What one metric may cost; inserts and looks at the guardrails need the other processors. */
const LIMITS = { maxExecutionMs: 10_000, maxMemoryBytes: 2_000_000_000, maxThreads: 1 } as const;

interface Row {
	state: "counted" | "excluded" | "immature";
	arm: string;
	day: string;
	segment?: string;
	segment_kind?: string;
	segment_value?: string;
	bad_rows: string;
	metric_0: string[];
	cells_0?: CellTuple;
}

/** Sums of metrics from SQL of one's own, by where they belong in totals. */
interface FoundSums {
	readonly metric: MetricDefinition;
	readonly sums: ReadonlyMap<string, MetricSums>;
	readonly facts: SqlSourceFacts;
}

/** Puts the sums of metrics from SQL of one's own into totals: one question after the other, behind the user's guards. */
export class SqlSources {
	readonly #userSql: Pick<UserSql, "within">;
	readonly #rests: SourceRests;
	#last: Promise<unknown> = Promise.resolve();

	/** @param userSql of its own, since it refuses a third question while two are under way */
	constructor(userSql: Pick<UserSql, "within">, elapsedMs: () => number = () => performance.now()) {
		this.#userSql = userSql;
		this.#rests = new SourceRests(elapsedMs);
	}

	/** Totals of all metrics; a source that cannot be read gives sums of 0, and says why. */
	async totals(
		request: MetricTotalsRequest,
		others: (request: MetricTotalsRequest) => Promise<MetricTotals>,
	): Promise<MetricTotals> {
		const [own, metrics] = divided(request.metrics);
		const totals = await others(own.length === 0 ? request : { ...request, metrics });
		if (own.length === 0) return totals;
		const found = await this.#ask(own, request, []);
		for (const arm of totals.arms) addSums(arm, found, keyOf(arm.variant, arm.day));
		return { ...totals, sqlSources: found.map(({ facts }) => facts) };
	}

	/** The same by segment; what is wrong with a source is said by `totals`. */
	async segments(
		request: SegmentTotalsRequest,
		others: (request: SegmentTotalsRequest) => Promise<SegmentTotals[]>,
	): Promise<SegmentTotals[]> {
		const [own, metrics] = divided(request.metrics);
		const strata = await others(own.length === 0 ? request : { ...request, metrics });
		if (own.length === 0) return strata;
		const found = await this.#ask(own, request, request.segments);
		for (const { segment, kind, value, arms } of strata) {
			for (const arm of arms) addSums(arm, found, keyOf(arm.variant, "", segment, kind, value));
		}
		return strata;
	}

	async #ask(
		metrics: readonly MetricDefinition[],
		request: MetricTotalsRequest,
		segments: readonly string[],
	): Promise<FoundSums[]> {
		const found: FoundSums[] = [];
		for (const metric of metrics) {
			const asked = this.#last.then(() => this.#sumsOf(metric, request, segments));
			this.#last = asked.catch(() => undefined);
			found.push(await asked);
		}
		return found;
	}

	async #sumsOf(
		metric: MetricDefinition,
		request: MetricTotalsRequest,
		segments: readonly string[],
	): Promise<FoundSums> {
		const plan = new MetricMeasures([metric]).plans[0];
		if (plan === undefined) throw new TypeError("one metric has one plan");
		const design = { windowed: isWindowed(request), bySegment: segments.length > 0 };
		const around = (checked: string) => {
			const { sql, parameters } = sqlSourceSql(metric, checked, design);
			return { sql, parameters: { ...parameters, ...parametersOf(request), segments } };
		};
		const query = sourceQuery(metric.query ?? "", request);
		const failed = (failure: string): FoundSums => ({
			...{ metric, sums: new Map(), facts: { metric: metric.key, failure, badRows: 0 } },
		});
		const resting = this.#rests.failureOf(query);
		if (resting !== null) return failed(resting);
		try {
			const rows = await this.#userSql.within<Row>(query, around, LIMITS);
			this.#rests.answered(query);
			const sums = rows
				.filter(({ state }) => state === "counted")
				.map((row): [string, MetricSums] => [
					keyOf(row.arm, row.day, row.segment, row.segment_kind, row.segment_value),
					metricSums(plan, row.metric_0, row.cells_0),
				]);
			const badRows = rows.reduce((sum, row) => sum + Number(row.bad_rows), 0);
			return { metric, sums: new Map(sums), facts: { metric: metric.key, failure: null, badRows } };
		} catch (error) {
			// What is wrong with somebody's SELECT is no reason to keep all other metrics back.
			if (!(error instanceof StoreError)) throw error;
			if (error.code === "SQL_LIMIT") this.#rests.tookTooLong(query, error.message);
			return failed(error.message);
		}
	}
}

function divided(metrics: readonly MetricDefinition[]): [own: MetricDefinition[], others: MetricDefinition[]] {
	return [metrics.filter(({ source }) => source === "sql"), metrics.filter(({ source }) => source !== "sql")];
}

function addSums(arm: ArmTotals, found: readonly FoundSums[], key: string): void {
	for (const { metric, sums, facts } of found) {
		arm.metrics[metric.key] =
			facts.failure === null ? (sums.get(key) ?? noSums(metric)) : { ...noSums(metric), failure: facts.failure };
	}
}

function keyOf(variant: string, day: string, segment = "", kind = "", value = ""): string {
	return JSON.stringify([variant, day, segment, kind, value]);
}

function noSums(metric: MetricDefinition): MetricSums {
	const { squares, winsor } = new MetricMeasures([metric]).plans[0] ?? {};
	return {
		...{ units: 0, sumY: 0n, sumN: 0n, sumYY: 0n, sumNN: 0n, sumYN: 0n },
		scale: metricScale(metric),
		sumOfSquares: squares === null ? null : 0n,
		winsorized: winsor ? { cap: winsor.cap, uncappedSum: 0n, cappedObservations: 0n } : null,
		...{ covariate: null, cacheHits: null },
		cells: metric.kind === "quantile" ? [] : null,
	};
}
