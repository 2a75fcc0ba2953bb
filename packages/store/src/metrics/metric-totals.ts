import { type MetricDefinition, metricScale } from "@armspan/schema";
import type { QueryParameters } from "../connection.ts";
import { closedParameter, dateOfMicros, microsOfDate, type Query, untilRevisionParameter } from "../queries/query.ts";
import type { EvidenceKey, RatioMoments } from "../store.ts";
import { sealedTotals } from "../unit-sums/sealed-totals.ts";
import type { MetricPlan } from "./metric-measures.ts";
import { measuredMetrics, metricTotalsSql, segmentTotalsSql, versionTotalsSql } from "./metric-totals-sql.ts";
import type { CellTuple, TotalsRow } from "./totals-row.ts";
import { CELL_STARTS, VALUE_GRID } from "./value-grid.ts";

/** Calls and events of versions of a prompt, whether or not an experiment assigned them; shadows are left out. */
export interface VersionTotalsRequest {
	readonly prompt: string;
	readonly versions: readonly string[];
	/** Covariates are not looked at, nor are metrics of source `sql`. */
	readonly metrics: readonly MetricDefinition[];
	readonly since: Date;
	/** Exclusive. */
	readonly until: Date;
	readonly environment?: string;
}

/** Totals by segment, by the value that a unit had at its first exposure. */
export interface SegmentTotalsRequest extends MetricTotalsRequest {
	/** Names of attributes that exposures report. */
	readonly segments: readonly string[];
}

/** Counted units of one segment with one value. */
export interface SegmentTotals {
	readonly segment: string;
	/** `other`: values that few units have, together. `none`: none was reported at the first exposure. */
	readonly kind: "value" | "other" | "none";
	/** "" unless `kind` is `value`. */
	readonly value: string;
	/** One for each variant, over all days. */
	readonly arms: ArmTotals[];
}

export interface MetricTotalsRequest extends EvidenceKey {
	readonly metrics: readonly MetricDefinition[];
	/** Of the look; nothing depends on it without `maturationMs` and `isPlannedLook`. */
	readonly asOf: Date;
	/** A unit's rows count for so long after its first exposure, and only once that time has passed. */
	readonly maturationMs?: number;
	/** Nothing from after `asOf` counts, although it is known. */
	readonly isPlannedLook?: boolean;
	/** Whether means per call of cost, latency and time to first chunk are also summed over the cache's hits. */
	readonly splitByCache?: boolean;
	/** When a service began the iteration: for SQL of one's own, which may ask for it. */
	readonly startedAt?: Date;
	/** For covariates: what units are, and the prompt whose earlier calls and events explain them. */
	readonly unitType: string;
	readonly prompt: string;
}

/** Sums over units of the metric before their first exposure; the names are those of `CovariateSums` of stats. */
export interface CovariateMoments {
	sumX: bigint;
	sumW: bigint;
	sumXX: bigint;
	sumWW: bigint;
	sumXW: bigint;
	sumYX: bigint;
	sumYW: bigint;
	sumNX: bigint;
	sumNW: bigint;
}

/** What comes in at a grid value: additive over units and days; cumulated, it is ΣC, ΣC² and ΣCN there. */
export interface GridCell {
	/** Observations up to and including this stored integer; `null`: beyond the grid. */
	upTo: number | null;
	count: bigint;
	squares: bigint;
	products: bigint;
}

/** Exact sums of one metric over the units of one arm. Of a quantile, Y and N both count observations. */
export interface MetricSums extends RatioMoments {
	/** Σy² over observations; of means per call only. */
	sumOfSquares: bigint | null;
	/** In stored integers. Y is cut at the cap. */
	winsorized: { cap: bigint; uncappedSum: bigint; cappedObservations: bigint } | null;
	covariate: CovariateMoments | null;
	/** X and W over calls that the provider's cache served, in part at least; where it was asked for. */
	cacheHits: CovariateMoments | null;
	/** Ascending; of quantiles only. */
	cells: GridCell[] | null;
	/** Why all of these are 0 and mean nothing: what was wrong with a query of one's own. Absent where it was answered. */
	failure?: string;
}

export interface ArmTotals {
	variant: string;
	/** UTC day of the units' first exposure; "" where no believable time is known. */
	day: string;
	units: number;
	calls: number;
	undeliveredCalls: number;
	quarantinedCalls: number;
	/** Failed calls by `error.type`. */
	errorTypes: Map<string, number>;
	/** By metric key. */
	metrics: Record<string, MetricSums>;
}

export interface MetricTotals {
	/** Units seen in two variants of the iteration: left out everywhere, counted here. */
	excludedUnits: number;
	/** Units whose maturation has not passed, or that came after a planned look. */
	immatureUnits: number;
	newestCallAt: Date | null;
	newestEventAt: Date | null;
	/** By variant and day. Days share no unit, so their sums add up. */
	arms: ArmTotals[];
	/** What is to be known of metrics from SQL of one's own; absent without such. */
	sqlSources?: SqlSourceFacts[];
}

export interface SqlSourceFacts {
	readonly metric: string;
	/** Why its sums are all 0: what was refused, failed or met a limit. */
	readonly failure: string | null;
	/** Rows of units of the iteration whose time or number cannot be; they count nowhere. */
	readonly badRows: number;
}

export async function metricTotals(query: Query, request: MetricTotalsRequest): Promise<MetricTotals> {
	const parameters = parametersOf(request);
	if (isSealed(request)) {
		const measured = measuredMetrics(request.metrics, request.splitByCache);
		const rows = await sealedTotals(query, request, measured, parameters);
		if (rows !== null) return totalsOf(rows, measured.measures.plans);
	}
	const statement = metricTotalsSql(request.metrics, isWindowed(request), request.splitByCache);
	return totalsOf(await query<TotalsRow>(statement.sql, { ...statement.parameters, ...parameters }), statement.plans);
}

/** Exact sums of any metrics by segment, value and variant; the most frequent values first by name. */
export async function segmentTotals(query: Query, request: SegmentTotalsRequest): Promise<SegmentTotals[]> {
	const { sql, parameters, plans } = segmentTotalsSql(request.metrics, isWindowed(request));
	const rows = await query<TotalsRow & { segment: string; segment_kind: SegmentTotals["kind"]; segment_value: string }>(
		sql,
		{
			...{ ...parameters, ...parametersOf(request) },
			segments: request.segments,
		},
	);
	const strata = Map.groupBy(rows, (row) => JSON.stringify([row.segment, row.segment_kind, row.segment_value]));
	return [...strata.values()].flatMap((ofStratum) => {
		const [first] = ofStratum;
		if (first === undefined) return [];
		const { segment, segment_kind: kind, segment_value: value } = first;
		return [{ segment, kind, value, arms: totalsOf(ofStratum, plans).arms }];
	});
}

/** Sums per unit know neither when each row happened nor what was before the first exposure. */
function isSealed(request: MetricTotalsRequest): boolean {
	return !isWindowed(request) && request.metrics.every(({ covariateDays }) => covariateDays === undefined);
}

export function isWindowed({ maturationMs, isPlannedLook }: MetricTotalsRequest): boolean {
	return maturationMs !== undefined || isPlannedLook === true;
}

export function parametersOf(request: MetricTotalsRequest): QueryParameters {
	return {
		experiment: request.experiment,
		iteration: request.iteration,
		environment: request.environment ?? "",
		until_revision: untilRevisionParameter(request.untilRevision),
		closed_us: closedParameter(request.closedAt),
		as_of_us: microsOfDate(request.asOf),
		maturation_us: String(Math.round((request.maturationMs ?? 0) * 1000)),
		unit_type: request.unitType,
		prompt: request.prompt,
	};
}

/** Exact sums of any metrics by version and day of a unit's first call with it; the versions are the arms. */
export async function versionTotals(query: Query, request: VersionTotalsRequest): Promise<MetricTotals> {
	// Rows of one's own SQL name units, and no version.
	const metrics = request.metrics
		.filter(({ source }) => source !== "sql")
		.map(({ covariateDays: _, ...metric }) => metric);
	const { sql, parameters, plans } = versionTotalsSql(metrics);
	return totalsOf(await query<TotalsRow>(sql, { ...parameters, ...versionParameters(request) }), plans);
}

export function versionParameters(request: VersionTotalsRequest): QueryParameters {
	return {
		prompt: request.prompt,
		versions: request.versions,
		since_us: microsOfDate(request.since),
		until_us: microsOfDate(request.until),
		environment: request.environment ?? "",
	};
}

function totalsOf(rows: readonly TotalsRow[], plans: readonly MetricPlan[]): MetricTotals {
	const totals: MetricTotals = {
		...{ excludedUnits: 0, immatureUnits: 0, newestCallAt: null, newestEventAt: null, arms: [] },
	};
	for (const row of rows) {
		if (row.state !== "counted") {
			totals[row.state === "excluded" ? "excludedUnits" : "immatureUnits"] = Number(row.units);
			continue;
		}
		totals.newestCallAt = newest(totals.newestCallAt, dateOfMicros(row.newest_call_us));
		totals.newestEventAt = newest(totals.newestEventAt, dateOfMicros(row.newest_event_us));
		const [types, counts] = row.error_types;
		totals.arms.push({
			variant: row.arm,
			day: row.day,
			units: Number(row.units),
			calls: Number(row.calls),
			undeliveredCalls: Number(row.undelivered_calls),
			quarantinedCalls: Number(row.quarantined_calls),
			errorTypes: new Map(types.map((type, index) => [type, Number(counts[index])])),
			metrics: Object.fromEntries(
				plans.map((plan, index) => [
					plan.metric.key,
					metricSums(plan, row[`metric_${index}`] ?? [], row[`cells_${index}`]),
				]),
			),
		});
	}
	return totals;
}

function newest(known: Date | null, found: Date | null): Date | null {
	return known === null || (found !== null && found > known) ? found : known;
}

/** Reads the texts in the order in which the statement writes them. */
export function metricSums(
	{ metric, squares, winsor, covariate, cacheHits, cells }: MetricPlan,
	texts: readonly string[],
	cellRows: CellTuple | undefined,
): MetricSums {
	const integers = texts.map(BigInt)[Symbol.iterator]();
	const next = (): bigint => {
		const { value, done } = integers.next();
		if (done) throw new TypeError(`too few sums of ${metric.key}`);
		return value;
	};
	return {
		units: Number(next()),
		...{ sumY: next(), sumN: next(), sumYY: next(), sumNN: next(), sumYN: next() },
		scale: metricScale(metric),
		sumOfSquares: squares === null ? null : next(),
		winsorized: winsor === null ? null : { cap: winsor.cap, uncappedSum: next(), cappedObservations: next() },
		covariate: covariate === null ? null : moments(next),
		cacheHits: cacheHits === null ? null : moments(next),
		cells: cells === null || cellRows === undefined ? null : gridCells(cellRows),
	};
}

function moments(next: () => bigint): CovariateMoments {
	return {
		...{ sumX: next(), sumW: next(), sumXX: next(), sumWW: next(), sumXW: next() },
		...{ sumYX: next(), sumYW: next(), sumNX: next(), sumNW: next() },
	};
}

const CELL_OF_START = new Map(CELL_STARTS.map((start, index) => [start, VALUE_GRID[index] ?? null]));

function gridCells([starts, counts, squares, products]: CellTuple): GridCell[] {
	return starts.map((start, index) => {
		const upTo = CELL_OF_START.get(Number(start));
		if (upTo === undefined) throw new TypeError(`${start} starts no cell of the grid`);
		const of = (texts: readonly string[]) => BigInt(texts[index] ?? 0);
		return { upTo, count: of(counts), squares: of(squares), products: of(products) };
	});
}
