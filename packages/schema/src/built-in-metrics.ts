import { type Direction, MetricDefinition, type MetricKey, metricUnit } from "./metric.ts";

const SUCCESSFUL = [{ column: "failed", is: false }];

const DEFINITIONS = {
	"error-rate": {
		description: "Share of calls that failed",
		...{ source: "calls", kind: "proportion", event: [{ column: "failed", is: true }], direction: "decrease" },
	},
	"abort-rate": {
		description: "Share of calls that broke off: aborted, read only in part, or open when the process left",
		...{ source: "calls", kind: "proportion", direction: "decrease" },
		event: [{ column: "finish-reason", in: ["aborted", "abandoned"] }],
	},
	latency: {
		description: "Time until the last byte of successful calls",
		...{ source: "calls", kind: "mean", value: "latency", where: SUCCESSFUL, direction: "decrease" },
	},
	...latencyQuantile("latency-p50", 0.5),
	...latencyQuantile("latency-p95", 0.95),
	...latencyQuantile("latency-p99", 0.99),
	"time-to-first-chunk": {
		description: "Time until the first chunk of successful streamed calls",
		...{ source: "calls", kind: "mean", value: "time-to-first-chunk", where: SUCCESSFUL, direction: "decrease" },
	},
	cost: {
		description: "Cost of calls whose cost is known",
		...{ source: "calls", kind: "mean", value: "cost", direction: "decrease" },
	},
	"cost-per-unit": {
		description: "Known cost of all calls of an exposed unit",
		...{ source: "calls", kind: "mean", per: "unit", value: "cost", direction: "decrease" },
	},
	"calls-per-unit": {
		description: "Calls of an exposed unit",
		...{ source: "calls", kind: "mean", per: "unit", value: "count", direction: "decrease", unit: "calls" },
	},
	"input-tokens": tokens("Input tokens of a call, cached ones included", "input-tokens"),
	"output-tokens": tokens("Output tokens of a call, those of reasoning included", "output-tokens"),
	"reasoning-tokens": tokens("Reasoning tokens of a call that states them", "reasoning-tokens"),
	"cached-tokens": {
		description: "Input tokens of a call that the provider's cache served, of calls that state them",
		...{ source: "calls", kind: "mean", value: "cached-tokens", direction: "increase" },
	},
	"uncached-tokens": tokens("Input tokens of a call that no cache served", "uncached-tokens"),
	"cache-hit-rate": {
		description: "Share of input tokens that the provider's cache served",
		...{ source: "calls", kind: "ratio", value: "cached-tokens", denominator: "input-tokens", unit: "share" },
		direction: "increase",
	},
	"fallback-rate": {
		description: "Share of calls with a fallback reason",
		...{ source: "calls", kind: "proportion", event: [{ column: "fallback-reason", notIn: [""] }] },
		direction: "decrease",
	},
	"content-filter-rate": {
		description: "Share of calls that the provider's content filter ended, or that the model refused",
		...{ source: "calls", kind: "proportion", direction: "decrease" },
		event: [{ column: "finish-reason", in: ["content_filter", "content-filter", "refusal", "safety", "SAFETY"] }],
	},
	"safety-violation-rate": {
		description: "Share of evaluations named safety-violation with a score of 0.5 or more",
		...{ source: "evaluations", kind: "proportion", where: [{ column: "name", in: ["safety-violation"] }] },
		...{ event: [{ column: "score", atLeast: 0.5 }], direction: "decrease" },
	},
	"judge-score": {
		description: "Scores of all judges; define a metric with the name of one to look at it alone",
		...{ source: "evaluations", kind: "mean", value: "score", direction: "increase" },
		where: [{ column: "name", notIn: ["safety-violation"] }],
	},
	feedback: {
		description: "Scores of users, 0 to 1",
		...{ source: "feedback", kind: "mean", value: "score", direction: "increase" },
	},
	"feedback-rate": {
		description: "Share of exposed units that gave feedback",
		...{ source: "feedback", kind: "proportion", per: "unit", direction: "increase" },
	},
	conversion: {
		description: "Share of exposed units that converted after their first exposure",
		...{ source: "conversions", kind: "proportion", per: "unit", direction: "increase" },
	},
} as const;

function latencyQuantile<Key extends string>(key: Key, level: number) {
	const definition = {
		description: `Time until the last byte that ${level * 100} % of the successful calls stay within`,
		...{ source: "calls", kind: "quantile", level, value: "latency", where: SUCCESSFUL, direction: "decrease" },
	} as const;
	return { [key]: definition } as Record<Key, typeof definition>;
}

function tokens(description: string, value: string) {
	return { description, source: "calls", kind: "mean", value, direction: "decrease" } as const;
}

/** Metrics that need no definition, by key. */
export const BUILT_IN_METRICS: ReadonlyMap<MetricKey, MetricDefinition> = new Map(
	Object.entries(DEFINITIONS).map(([key, definition]) => [key, MetricDefinition.parse({ key, ...definition })]),
);

/** Which way is better, and the unit in which estimates are stated. */
export const METRICS: Readonly<Record<keyof typeof DEFINITIONS, { direction: Direction; unit: string }>> =
	Object.fromEntries(
		[...BUILT_IN_METRICS].map(([key, metric]) => [key, { direction: metric.direction, unit: metricUnit(metric) }]),
	) as Record<keyof typeof DEFINITIONS, { direction: Direction; unit: string }>;

/** Definition of a key: the experiment's own, else the built-in one. */
export function findMetric(own: readonly MetricDefinition[], key: MetricKey): MetricDefinition | undefined {
	return own.find((metric) => metric.key === key) ?? BUILT_IN_METRICS.get(key);
}
