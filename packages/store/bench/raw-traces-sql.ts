/** Numerator and denominator of a unit, and of means Σy² over observations, as one would write them over raw columns. */
type PerUnit = readonly [y: string, n: string, squares?: string];

const mean = (value: string, where = "1"): PerUnit => [
	`ifNull(sumIf(${value}, ${where}), 0)`,
	`countIf(${where} AND ${value} IS NOT NULL)`,
	`ifNull(sumIf(toInt128(${value}) * ${value}, ${where}), 0)`,
];
const share = (event: string, where = "1"): PerUnit => [`countIf(${where} AND (${event}))`, `countIf(${where})`];

const OF_CALLS: Record<string, PerUnit> = {
	"error-rate": share("failed"),
	"abort-rate": share("finish IN ('aborted', 'abandoned')"),
	latency: mean("latency", "NOT failed"),
	"latency-p50": ["countIf(NOT failed AND latency IS NOT NULL)", "countIf(NOT failed AND latency IS NOT NULL)"],
	"time-to-first-chunk": mean("first_chunk", "NOT failed"),
	cost: mean("cost"),
	"cost-per-unit": ["ifNull(sum(cost), 0)", "1"],
	"calls-per-unit": ["count()", "1"],
	"input-tokens": mean("input"),
	"output-tokens": mean("output"),
	"reasoning-tokens": mean("reasoning"),
	"cached-tokens": mean("cached"),
	"uncached-tokens": mean("if(ifNull(cached, 0) <= input, input - ifNull(cached, 0), NULL)"),
	"cache-hit-rate": ["ifNull(sumIf(cached, input IS NOT NULL), 0)", "ifNull(sumIf(input, cached IS NOT NULL), 0)"],
	"fallback-rate": share("fallback != ''"),
	"content-filter-rate": share("finish IN ('content_filter', 'content-filter', 'refusal', 'safety', 'SAFETY')"),
};
const OF_EVENTS: Record<string, PerUnit> = {
	"safety-violation-rate": share("score >= 500000", "kind = 'score' AND name = 'safety-violation'"),
	"judge-score": mean("score", "kind = 'score' AND name != 'safety-violation'"),
	feedback: mean("score", "kind = 'feedback'"),
	"feedback-rate": ["countIf(kind = 'feedback') > 0", "1"],
	conversion: ["countIf(kind = 'conversion' AND ifNull(score, 1) > 0) > 0", "1"],
};

/** Metrics that `rawStatement` answers; p95 and p99 share their cells with p50. */
export const RAW_METRICS = [...Object.keys(OF_CALLS), ...Object.keys(OF_EVENTS)];

/** How repeated deliveries are removed: both are what people write. */
export type Dedupe = "limit-by" | "group-by";

const CALL_COLUMNS = {
	unit: "SpanAttributes['armspan.unit.id']",
	arm: "substring(SpanAttributes['feature_flag.result.variant'], length('bench.') + 1)",
	at: "toUnixTimestamp64Micro(Timestamp)",
	failed: "StatusCode = 'Error' OR SpanAttributes['error.type'] != ''",
	error_type: "SpanAttributes['error.type']",
	finish: "JSONExtractString(SpanAttributes['gen_ai.response.finish_reasons'], 1)",
	fallback: "SpanAttributes['armspan.fallback.reason']",
	latency: "if(finish IN ('aborted', 'abandoned'), NULL, toInt64(intDiv(Duration, 1000)))",
	first_chunk:
		"toInt64OrNull(toString(round(toFloat64OrNull(SpanAttributes['gen_ai.response.time_to_first_chunk']) * 1e6)))",
	cost: "toInt64OrNull(toString(round(toFloat64OrNull(SpanAttributes['armspan.cost.usd']) * 1e9)))",
	input: "toInt64OrNull(SpanAttributes['gen_ai.usage.input_tokens'])",
	output: "toInt64OrNull(SpanAttributes['gen_ai.usage.output_tokens'])",
	cached: "toInt64OrNull(SpanAttributes['gen_ai.usage.cache_read.input_tokens'])",
	reasoning: "toInt64OrNull(SpanAttributes['gen_ai.usage.reasoning.output_tokens'])",
};

/**
 * The statistics of every built-in metric asked of `otel_traces` and `otel_logs` in one statement: attributes are read
 * from their maps once, repeats are removed by (TraceId, SpanId), sums are taken per unit and then per arm and day.
 * @param cellStarts of the grid on which quantiles are counted
 */
export function rawStatement(cellStarts: readonly number[], dedupe: Dedupe): string {
	const list = (of: Record<string, PerUnit>) =>
		Object.entries(of).flatMap(([key, [y, n, squares]]) => [
			`${y} AS \`${key}.y\``,
			`${n} AS \`${key}.n\``,
			...(squares === undefined ? [] : [`${squares} AS \`${key}.yy\``]),
		]);
	const columns = Object.entries(CALL_COLUMNS);
	const selected = columns.map(([name, sql]) => `${sql} AS ${name}`).join(",\n\t\t\t");
	const read = `SELECT ${dedupe === "limit-by" ? "" : "TraceId, SpanId, "}${selected}
		FROM otel_traces
		WHERE SpanAttributes['armspan.experiment'] = 'bench' AND SpanAttributes['armspan.iteration'] = '1'
			AND SpanAttributes['armspan.enrolled'] = 'true' AND SpanAttributes['armspan.shadow'] != 'true'
			AND SpanAttributes['gen_ai.operation.name'] IN ('chat', 'text_completion', 'generate_content', 'embeddings')`;
	const once =
		dedupe === "limit-by"
			? `${read}\n\t\tLIMIT 1 BY TraceId, SpanId`
			: `SELECT ${columns.map(([name]) => `any(r.${name}) AS ${name}`).join(", ")} FROM (${read}) AS r GROUP BY TraceId, SpanId`;
	const sums = [...Object.entries(OF_CALLS), ...Object.entries(OF_EVENTS)].map(([key, [, one, squares]]) => {
		// a unit without events is an observation of what is per unit
		const [y, n] = [`toInt128(\`${key}.y\`)`, one === "1" ? "toInt128(1)" : `toInt128(\`${key}.n\`)`];
		const observed = `(${n} != 0 OR ${y} != 0)`;
		const more = squares === undefined ? [] : [`sum(toInt256(\`${key}.yy\`))`];
		const all = [
			`countIf(${observed})`,
			...[y, n, `${y} * ${y}`, `${n} * ${n}`, `${y} * ${n}`].map((of) => `sum(${of})`),
			...more,
		];
		return `[${all.map((of) => `toString(${of})`).join(", ")}] AS \`${key}\``;
	});
	const cell = (of: string) => `arrayMap((c, i) -> toInt64(${of}), cells, arrayEnumerate(cells))`;
	return `WITH
	[${cellStarts.join(", ")}]::Array(Int64) AS starts,
	calls AS
	(
		${once}
	),
	calls_of_units AS
	(
		SELECT unit, min(arm) AS arm_, uniqExact(arm) AS arms, min(at) AS first,
			groupArrayIf(error_type, failed) AS error_types,
			arraySort(groupArrayIf(roundDown(assumeNotNull(latency), starts), NOT failed AND latency IS NOT NULL)) AS cells,
			count() AS calls,
			${list(OF_CALLS).join(",\n\t\t\t")}
		FROM calls GROUP BY unit
	),
	exposures AS
	(
		SELECT LogAttributes['armspan.unit.id'] AS unit, min(toUnixTimestamp64Micro(toDateTime64(Timestamp, 6, 'UTC'))) AS first,
			uniqExact(LogAttributes['feature_flag.result.variant']) AS arms,
			min(substring(LogAttributes['feature_flag.result.variant'], length('bench.') + 1)) AS arm_
		FROM otel_logs
		WHERE EventName = 'feature_flag.evaluation' AND LogAttributes['armspan.experiment'] = 'bench'
			AND LogAttributes['armspan.iteration'] = '1' AND LogAttributes['armspan.enrolled'] = 'true'
		GROUP BY unit
	),
	units AS MATERIALIZED
	(
		SELECT c.* EXCEPT (arm_, arms, first), c.arm_ AS arm,
			greatest(c.arms, x.arms, if(x.arms > 0 AND c.arm_ != x.arm_, 2, 1)) AS arms,
			if(x.arms > 0, least(c.first, x.first), c.first) AS first
		FROM calls_of_units AS c LEFT JOIN exposures AS x ON c.unit = x.unit
	),
	events AS
	(
		SELECT e.unit AS unit, ${list(OF_EVENTS).join(",\n\t\t\t")}
		FROM
		(
			SELECT LogAttributes['armspan.unit.id'] AS unit, toUnixTimestamp64Micro(toDateTime64(Timestamp, 6, 'UTC')) AS at,
				substring(LogAttributes['feature_flag.result.variant'], length('bench.') + 1) AS arm,
				LogAttributes['armspan.evaluation.kind'] AS kind, LogAttributes['gen_ai.evaluation.name'] AS name,
				toInt64OrNull(toString(round(toFloat64OrNull(LogAttributes['gen_ai.evaluation.score.value']) * 1e6))) AS score
			FROM otel_logs
			WHERE EventName = 'gen_ai.evaluation.result' AND LogAttributes['armspan.experiment'] = 'bench'
				AND LogAttributes['armspan.iteration'] = '1' AND LogAttributes['armspan.enrolled'] = 'true'
			LIMIT 1 BY LogAttributes['armspan.event.id']
		) AS e
		INNER JOIN (SELECT unit, arm, first FROM units) AS u ON u.unit = e.unit
		WHERE e.arm = u.arm AND e.at >= u.first
		GROUP BY unit
	)
SELECT arm, toString(toDate(fromUnixTimestamp64Micro(first, 'UTC'))) AS day, toString(count()) AS units, toString(sum(calls)) AS calls,
	sumMap(error_types, arrayMap(t -> 1, error_types)) AS error_types,
	${sums.join(",\n\t")},
	sumMap(cells, ${cell("1")}, ${cell("2 * i - 1")}, ${cell("length(cells)")}) AS cells
FROM (SELECT u.*, e.* EXCEPT unit FROM units AS u LEFT JOIN events AS e ON e.unit = u.unit)
WHERE arms = 1
GROUP BY arm, day ORDER BY arm, day
SETTINGS enable_materialized_cte = 1, join_use_nulls = 0, max_bytes_before_external_group_by = 8000000000`;
}
