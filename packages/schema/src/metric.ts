import { z } from "zod";
import { Name } from "./names.ts";
import { isSqlPlaceholder, SQL_PLACEHOLDERS, sqlPlaceholders } from "./sql-placeholders.ts";

/** Key of a built-in metric or of a definition of the repository or the experiment. */
export const MetricKey = Name;
export type MetricKey = z.infer<typeof MetricKey>;

export const Direction = z.enum(["increase", "decrease"]);
export type Direction = z.infer<typeof Direction>;

/**
 * Whose rows are observations: calls to a model; `evaluations`, the scores of judges; `feedback` of users;
 * `conversions`, where an explicit score of 0 says that there was none; `sql`, the rows of a SELECT of one's own.
 */
export const MetricSource = z.enum(["calls", "evaluations", "feedback", "conversions", "sql"]);
export type MetricSource = z.infer<typeof MetricSource>;

/** What is measured of a row, and how many of the stored integers make one of the unit in which it is stated. */
export const METRIC_QUANTITIES = {
	/** Every row is 1. */
	count: { sources: ["calls", "evaluations", "feedback", "conversions", "sql"], unit: "count", scale: 1 },
	latency: { sources: ["calls"], unit: "ms", scale: 1_000 },
	"time-to-first-chunk": { sources: ["calls"], unit: "ms", scale: 1_000 },
	cost: { sources: ["calls"], unit: "usd", scale: 1_000_000_000 },
	/** Including cached ones. */
	"input-tokens": { sources: ["calls"], unit: "tokens", scale: 1 },
	/** Including those of reasoning. */
	"output-tokens": { sources: ["calls"], unit: "tokens", scale: 1 },
	"cached-tokens": { sources: ["calls"], unit: "tokens", scale: 1 },
	/** Input that the provider's cache did not serve. */
	"uncached-tokens": { sources: ["calls"], unit: "tokens", scale: 1 },
	"reasoning-tokens": { sources: ["calls"], unit: "tokens", scale: 1 },
	score: { sources: ["evaluations", "feedback", "conversions"], unit: "score", scale: 1_000_000 },
	/** Columns of the rows of one's own. */
	numerator: { sources: ["sql"], unit: "value", scale: 1_000_000 },
	denominator: { sources: ["sql"], unit: "value", scale: 1_000_000 },
} as const satisfies Record<string, { sources: readonly MetricSource[]; unit: string; scale: number }>;

const QUANTITIES = Object.keys(METRIC_QUANTITIES) as (keyof typeof METRIC_QUANTITIES)[];
export const MetricQuantity = z.enum(QUANTITIES);
export type MetricQuantity = z.infer<typeof MetricQuantity>;

const CALL_COLUMNS = {
	model: "text",
	provider: "text",
	service: "text",
	operation: "text",
	"prompt-version": "text",
	"error-type": "text",
	"finish-reason": "text",
	"fallback-reason": "text",
	failed: "boolean",
	/** The provider's cache served some of the input. */
	cached: "boolean",
	latency: "number",
	"time-to-first-chunk": "number",
	cost: "number",
	"input-tokens": "number",
	"output-tokens": "number",
	"cached-tokens": "number",
	"reasoning-tokens": "number",
} as const;
const EVENT_COLUMNS = {
	name: "text",
	label: "text",
	service: "text",
	"prompt-version": "text",
	score: "number",
} as const;

/** Columns that a condition may name, by source. */
export const METRIC_COLUMNS: Readonly<Record<MetricSource, Readonly<Record<string, "text" | "boolean" | "number">>>> = {
	calls: CALL_COLUMNS,
	evaluations: EVENT_COLUMNS,
	feedback: EVENT_COLUMNS,
	conversions: EVENT_COLUMNS,
	sql: { numerator: "number", denominator: "number" },
};

const Text = z.string().max(500);
const Texts = z.array(Text).min(1).max(100);
const OPERATORS = {
	text: ["in", "notIn", "startsWith"],
	boolean: ["is"],
	number: ["atLeast", "below"],
} as const;

/** A condition on one column of a row, with exactly one operator. A number that is unknown meets none. */
export const MetricCondition = z.strictObject({
	column: z.string().max(100),
	/** An absent text is "". */
	in: Texts.optional(),
	notIn: Texts.optional(),
	startsWith: Text.min(1).optional(),
	is: z.boolean().optional(),
	/** In the unit in which the quantity is stated: ms, USD, tokens, score. */
	atLeast: z.number().min(-1e9).max(1e9).optional(),
	below: z.number().min(-1e9).max(1e9).optional(),
});
export type MetricCondition = z.infer<typeof MetricCondition>;

const Fields = z.strictObject({
	key: MetricKey,
	description: z.string().max(500).default(""),
	source: MetricSource,
	/**
	 * Of source `sql`: one SELECT, checked and limited as every user's (docs/decisions/0013), with columns `unit_id`,
	 * `time`, `numerator` and, where it is named, `denominator`. A view is asked by `SELECT * FROM my_view`. It may name
	 * what is analysed: `SQL_PLACEHOLDERS`.
	 */
	query: z.string().min(1).max(20_000).optional(),
	kind: z.enum(["mean", "proportion", "ratio", "quantile"]),
	per: z.enum(["call", "unit"]).default("call"),
	/** What is summed; not of a proportion. */
	value: MetricQuantity.optional(),
	/** Of a ratio. */
	denominator: MetricQuantity.optional(),
	/** Rows that count at all; all conditions must hold. */
	where: z.array(MetricCondition).max(10).default([]),
	/** Of a proportion: rows that count as 1. Without, per unit, any row does. */
	event: z.array(MetricCondition).max(10).default([]),
	/** Of a quantile: 0.95 is p95. */
	level: z.number().gt(0).lt(1).optional(),
	/** Which way is better. */
	direction: Direction,
	/** In which it is displayed, when not that of `value`. */
	unit: z.string().min(1).max(20).optional(),
	/**
	 * A mean's values above it count as it, per unit the unit's sum; in the unit of `value`, fixed before the iteration
	 * starts.
	 */
	winsorCap: z.number().positive().max(1e9).optional(),
	/** CUPED: the same metric of the unit in so many days before its first exposure explains away noise. */
	covariateDays: z.int().min(1).max(90).optional(),
});

/**
 * A metric: which rows are observations, what is measured of them, and what is made of it.
 *
 * | kind | per call | per unit |
 * |---|---|---|
 * | `mean` | Σ value / rows that have one | Σ value / exposed units; a unit without rows counts 0 |
 * | `proportion` | rows that meet `event` / rows | units with such a row / exposed units |
 * | `ratio` | Σ value / Σ denominator, over rows that have both | – |
 * | `quantile` | the `level` quantile of the values | – |
 *
 * Per call, "call" stands for a row of the source, which may be an evaluation.
 */
export const MetricDefinition = Fields.superRefine((metric, context) => {
	for (const [path, message] of definitionFaults(metric)) {
		context.addIssue({ code: "custom", path: [...path], message });
	}
});
export type MetricDefinition = z.infer<typeof MetricDefinition>;

type Fault = readonly [path: readonly (string | number)[], message: string];

function definitionFaults(metric: z.infer<typeof Fields>): Fault[] {
	const { kind, per, source } = metric;
	const faults: Fault[] = [];
	const only = (field: "value" | "denominator" | "level", wanted: boolean) => {
		if (wanted !== (metric[field] !== undefined)) {
			faults.push([[field], wanted ? `a ${kind} needs it` : `a ${kind} has none; remove it`]);
		}
	};
	only("value", kind !== "proportion");
	only("denominator", kind === "ratio");
	only("level", kind === "quantile");
	faults.push(...sqlFaults(metric));
	if (per === "unit" && (kind === "ratio" || kind === "quantile")) {
		faults.push([["per"], `a ${kind} is per call; write "call"`]);
	}
	if (kind === "proportion" && per === "call" && metric.event.length === 0) {
		faults.push([["event"], "a proportion of calls needs a condition that says which of them count"]);
	}
	if (kind !== "proportion" && metric.event.length > 0) faults.push([["event"], `a ${kind} has none; use "where"`]);
	if (metric.winsorCap !== undefined && kind !== "mean") {
		const why =
			kind === "ratio" ? `a ratio of capped sums is the ratio of nothing; cap a mean per unit instead` : "remove it";
		faults.push([["winsorCap"], `only of a mean, per call or per unit; ${why}`]);
	}
	if (kind === "quantile" && metric.covariateDays !== undefined) {
		faults.push([["covariateDays"], "a quantile has none; remove it"]);
	}
	for (const field of ["value", "denominator"] as const) {
		const quantity = metric[field];
		if (quantity === undefined) continue;
		const { sources } = METRIC_QUANTITIES[quantity];
		if (!(sources as readonly MetricSource[]).includes(source)) {
			const of = QUANTITIES.filter((name) => (METRIC_QUANTITIES[name].sources as readonly string[]).includes(source));
			faults.push([[field], `${source} have no "${quantity}"; expected one of ${of.join(", ")}`]);
		}
	}
	for (const list of ["where", "event"] as const) {
		metric[list].forEach((condition, index) => {
			const fault = conditionFault(condition, source);
			if (fault !== undefined) faults.push([[list, index, ...fault[0]], fault[1]]);
		});
	}
	return faults;
}

function sqlFaults({ source, query, covariateDays }: z.infer<typeof Fields>): Fault[] {
	if (source !== "sql") return query === undefined ? [] : [[["query"], `only of source "sql", found "${source}"`]];
	const known = Object.entries(SQL_PLACEHOLDERS).map(([name, type]) => `{${name}:${type}}`);
	const unknown = sqlPlaceholders(query ?? "").filter(({ name, type }) => !isSqlPlaceholder(name, type));
	return [
		...unknown.map(
			({ text }): Fault => [["query"], `unknown placeholder ${text.slice(0, 60)}; there are ${known.join(", ")}`],
		),
		...(query === undefined ? [[["query"], "source sql needs it: a SELECT of unit_id, time, numerator"] as Fault] : []),
		...(covariateDays === undefined ? [] : [[["covariateDays"], "source sql has none; remove it"] as Fault]),
	];
}

/** Whether a metric reads the quantity, in what it measures or in a condition. */
export function readsQuantity({ value, denominator, where, event }: MetricDefinition, of: MetricQuantity): boolean {
	return value === of || denominator === of || [...where, ...event].some(({ column }) => column === of);
}

function conditionFault(condition: MetricCondition, source: MetricSource): Fault | undefined {
	const columns = METRIC_COLUMNS[source];
	const type = Object.hasOwn(columns, condition.column) ? columns[condition.column] : undefined;
	if (type === undefined) {
		return [["column"], `unknown column of ${source}; expected one of ${Object.keys(columns).join(", ")}`];
	}
	const given = Object.values(OPERATORS)
		.flat()
		.filter((operator) => condition[operator] !== undefined);
	const fitting = OPERATORS[type] as readonly string[];
	if (given.length === 1 && fitting.includes(given[0] ?? "")) return undefined;
	const found = given.length === 0 ? "none" : given.join(" and ");
	return [[], `expected exactly one of ${fitting.join(", ")} for "${condition.column}", found ${found}`];
}

/** In which a metric is stated: `share`, `ratio` of equal units, that of its quantity, or what the definition says. */
export function metricUnit({ unit, kind, value, denominator }: MetricDefinition): string {
	if (unit !== undefined) return unit;
	if (kind === "proportion" || value === undefined) return "share";
	const of = METRIC_QUANTITIES[value].unit;
	if (kind !== "ratio" || denominator === undefined) return of;
	const under = METRIC_QUANTITIES[denominator].unit;
	return of === under ? "ratio" : `${of}/${under}`;
}

/** What ΣY/ΣN of the stored integers is divided by to be in the metric's unit. */
export function metricScale({ kind, value, denominator }: MetricDefinition): number {
	if (kind === "proportion" || value === undefined) return 1;
	const { scale } = METRIC_QUANTITIES[value];
	return kind === "ratio" && denominator !== undefined ? scale / METRIC_QUANTITIES[denominator].scale : scale;
}
