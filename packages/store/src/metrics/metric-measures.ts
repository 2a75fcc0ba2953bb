import { METRIC_QUANTITIES, type MetricDefinition } from "@armspan/schema";
import { CACHE_HIT, MetricConditionSql } from "./metric-condition-sql.ts";

/** Where an aggregate per unit is taken: over calls or events that count, or over those before the first exposure. */
export type MeasureTable = "calls" | "events" | "pre_calls" | "pre_events";

/** One aggregate over the rows of a unit. */
export interface Measure {
	readonly name: string;
	/** Aggregate function over rows; an array has one entry per row. */
	readonly sql: string;
	readonly type: "Int128" | "Array(Int64)" | "Array(String)";
}

/** How a metric is put together from measures, one unit being one row. */
export interface MetricPlan {
	readonly metric: MetricDefinition;
	/** Numerator and denominator, Int256. */
	readonly y: string;
	readonly n: string;
	/** Σy² over observations. */
	readonly squares: string | null;
	readonly winsor: { readonly cap: bigint; readonly uncapped: string; readonly above: string } | null;
	/** The same before the first exposure. */
	readonly covariate: { readonly x: string; readonly w: string } | null;
	/** The same over cache hits only, where it was asked for. */
	readonly cacheHits: { readonly x: string; readonly w: string } | null;
	/** Array of cells, one entry per observation. */
	readonly cells: string | null;
}

/** The aggregates that a set of metrics needs, equal ones once. */
export class MetricMeasures {
	readonly conditions = new MetricConditionSql();
	readonly plans: readonly MetricPlan[];
	readonly #measures = new Map<MeasureTable, Map<string, Measure>>();

	/** @param splitByCache whether means of what a cache changes are also summed over its hits */
	constructor(metrics: readonly MetricDefinition[], splitByCache = false) {
		this.plans = metrics.map((metric) => this.#plan(metric, splitByCache));
	}

	of(table: MeasureTable): readonly Measure[] {
		return [...(this.#measures.get(table)?.values() ?? [])];
	}

	/** Name of a column that holds the aggregate. */
	measure(table: MeasureTable, sql: string, type: Measure["type"] = "Int128"): string {
		const ofTable = this.#measures.get(table) ?? new Map<string, Measure>();
		this.#measures.set(table, ofTable);
		const found = ofTable.get(sql);
		if (found !== undefined) return found.name;
		const name = `${table}_${ofTable.size}`;
		ofTable.set(sql, { name, sql, type });
		return name;
	}

	#plan(metric: MetricDefinition, splitByCache: boolean): MetricPlan {
		const { source, kind, covariateDays } = metric;
		const table = source === "calls" ? "calls" : "events";
		const [y, n] = this.#ratio(metric, table, "true");
		const value = metric.value === undefined ? undefined : this.conditions.quantity(metric.value);
		const rows = this.conditions.rows(source, metric.where);
		const perCallMean = kind === "mean" && metric.per === "call" && value !== undefined;
		let covariate: MetricPlan["covariate"] = null;
		if (covariateDays !== undefined) {
			const since = this.conditions.bind("Int64", String(BigInt(covariateDays) * 86_400_000_000n));
			const [x, w] = this.#ratio(metric, `pre_${table}`, `row_us >= exposure_us - ${since}`);
			covariate = { x, w };
		}
		return {
			metric,
			y,
			n,
			squares: perCallMean ? wide(this.measure(table, squares(this.#capped(metric, value), rows))) : null,
			winsor: this.#winsor(metric, table, rows, value),
			covariate,
			cacheHits: splitByCache ? this.#cacheHits(metric) : null,
			cells:
				kind === "quantile" && value !== undefined
					? this.measure(
							table,
							`groupArrayIf(toInt64(roundDown(ifNull(${value}, 0), cell_starts)), ${rows} AND ${value} IS NOT NULL)`,
							"Array(Int64)",
						)
					: null,
		};
	}

	#ratio(metric: MetricDefinition, table: MeasureTable, period: string): [y: string, n: string] {
		const { source, kind, per, where, event } = metric;
		const rows =
			[period, this.conditions.rows(source, where)].filter((part) => part !== "true").join(" AND ") || "true";
		const count = (condition: string) => wide(this.measure(table, `toInt128(countIf(${condition}))`));
		if (kind === "proportion") {
			const events = [rows, ...(event.length === 0 ? [] : [this.conditions.all(event)])].join(" AND ");
			return per === "unit" ? [`toInt256(${count(events)} > 0)`, "toInt256(1)"] : [count(events), count(rows)];
		}
		const value = this.#capped(metric, this.conditions.quantity(metric.value ?? "count"));
		const known = `${rows} AND ${this.conditions.quantity(metric.value ?? "count")} IS NOT NULL`;
		if (kind === "quantile") return [count(known), count(known)];
		const sum = (of: string, condition: string) =>
			wide(this.measure(table, `sumIf(toInt128(ifNull(${of}, 0)), ${condition})`));
		if (per === "unit") {
			const cap = winsorCapOf(metric);
			const ofUnit = sum(value, rows);
			return [cap === null ? ofUnit : `least(${ofUnit}, toInt256(${cap}))`, "toInt256(1)"];
		}
		if (kind === "mean") return [sum(value, rows), count(known)];
		const denominator = this.conditions.quantity(metric.denominator ?? "count");
		return [sum(value, `${rows} AND ${denominator} IS NOT NULL`), sum(denominator, known)];
	}

	#cacheHits(metric: MetricDefinition): MetricPlan["cacheHits"] {
		if (!dependsOnCache(metric)) return null;
		const [x, w] = this.#ratio(metric, "calls", CACHE_HIT);
		return { x, w };
	}

	#winsor(
		metric: MetricDefinition,
		table: MeasureTable,
		rows: string,
		value: string | undefined,
	): MetricPlan["winsor"] {
		const cap = winsorCapOf(metric);
		if (cap === null || value === undefined) return null;
		if (metric.per === "unit") {
			const uncapped = wide(this.measure(table, `sumIf(toInt128(ifNull(${value}, 0)), ${rows})`));
			return { cap, uncapped, above: `toInt256(${uncapped} > toInt256(${cap}))` };
		}
		const above = `${rows} AND ifNull(${value} > ${this.conditions.bind("Int64", String(cap))}, false)`;
		return {
			cap,
			uncapped: wide(this.measure(table, `sumIf(toInt128(ifNull(${value}, 0)), ${rows})`)),
			above: wide(this.measure(table, `toInt128(countIf(${above}))`)),
		};
	}

	/** Of a metric per unit no row is cut: its unit's sum is. */
	#capped<Value extends string | undefined>(metric: MetricDefinition, value: Value): Value | string {
		const cap = metric.per === "unit" ? null : winsorCapOf(metric);
		return cap === null || value === undefined
			? value
			: // not least(), which takes an unknown value for the cap
				`if(${value} > ${this.conditions.bind("Int64", String(cap))}, ${this.conditions.bind("Int64", String(cap))}, ${value})`;
	}
}

/** Whether a metric is a mean per call of something that the provider's cache changes. */
function dependsOnCache({ source, kind, per, value }: MetricDefinition): boolean {
	const isMean = source === "calls" && kind === "mean" && per === "call";
	return isMean && (value === "cost" || value === "latency" || value === "time-to-first-chunk");
}

/** In stored integers. */
function winsorCapOf({ winsorCap, value }: MetricDefinition): bigint | null {
	if (winsorCap === undefined || value === undefined) return null;
	return BigInt(Math.max(1, Math.round(winsorCap * METRIC_QUANTITIES[value].scale)));
}

function squares(value: string | undefined, rows: string): string {
	const integer = `toInt128(ifNull(${value}, 0))`;
	return `sumIf(${integer} * ${integer}, ${rows})`;
}

function wide(column: string): string {
	return `toInt256(${column})`;
}
