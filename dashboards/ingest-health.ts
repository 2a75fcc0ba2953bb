import { callsInRange } from "./calls.ts";
import { dashboard } from "./frame.ts";
import { stat, table, timeSeries } from "./panels.ts";
import { datasource, environment } from "./variables.ts";

const OURS = "environment IN ('', ${environment:sqlstring})";
const CALLS = callsInRange(OURS);

/** As the view that makes calls of spans has it: `calls_mv` of `@armspan/store`. */
const NAMELESS = [
	...["gen_ai.prompt.name", "langfuse.observation.prompt.name", "langfuse.prompt.name", "traceloop.prompt.key"],
	"prompt.id",
]
	.map((name) => `SpanAttributes['${name}'] = ''`)
	.join(" AND ");
const OF_A_MODEL =
	"(SpanAttributes['gen_ai.operation.name'] IN ('chat', 'text_completion', 'generate_content', 'embeddings') OR SpanAttributes['gen_ai.operation.name'] = '' AND (SpanAttributes['llm.request.type'] IN ('chat', 'completion', 'embedding') OR SpanAttributes['openinference.span.kind'] IN ('LLM', 'EMBEDDING')))";

export function ingestHealthDashboard() {
	return dashboard(
		"armspan-ingest",
		"Armspan: ingest health",
		"Whether what applications send arrives, becomes evidence, and can be believed. Landing tables know no environment: panels of spans and events are of all.",
	)
		.time({ from: "now-6h", to: "now" })
		.withVariable(datasource())
		.withVariable(environment())
		.withPanel(
			stat({
				title: "Age of the newest span",
				description: "Of the last day. Grows when nothing is sent, and when nothing arrives.",
				width: 6,
				height: 4,
				unit: "s",
				badFrom: 120,
				sql: `
				SELECT dateDiff('second', max(Timestamp), now()) AS age
				FROM otel_traces
				WHERE Timestamp > now() - INTERVAL 1 DAY AND Timestamp <= now() + INTERVAL 1 MINUTE
				HAVING count() > 0`,
			}),
		)
		.withPanel(
			stat({
				title: "Age of the newest call",
				description:
					"A call is a span of a model that names its prompt; of those that came in the last day. Older than the newest span: applications lost their tags.",
				width: 6,
				height: 4,
				unit: "s",
				badFrom: 1800,
				sql: `
				SELECT dateDiff('second', max(started_at), now()) AS age
				FROM calls
				WHERE ${OURS} AND arrived_at > now() - INTERVAL 1 DAY AND started_at <= now() + INTERVAL 1 MINUTE
				HAVING count() > 0`,
			}),
		)
		.withPanel(
			stat({
				title: "Quarantined calls",
				description:
					"Share of this time range's calls with a value or a time that cannot be; it is left out, the rest of the call counts.",
				width: 6,
				height: 4,
				unit: "percentunit",
				decimals: 2,
				badFrom: 0.01,
				sql: `
				SELECT avg(quarantined) AS share
				${CALLS}
				HAVING count() > 0`,
			}),
		)
		.withPanel(
			stat({
				title: "Oldest look",
				description: "Of the newest looks at running experiments, the oldest: the service looks once a minute.",
				width: 6,
				height: 4,
				unit: "dateTimeFromNow",
				sql: `
				SELECT min(look) AS look
				FROM
				(
					SELECT toUnixTimestamp64Milli(max(look_at)) AS look, argMax(kind, look_at) AS last_kind
					FROM snapshots
					WHERE environment = \${environment:sqlstring}
					GROUP BY experiment
				)
				WHERE last_kind = 'look'
				HAVING count() > 0`,
			}),
		)
		.withPanel(
			timeSeries({
				title: "Spans a second",
				description: "As delivered, by service, of all environments; deliveries that were repeated count each time.",
				width: 12,
				min: 0,
				sql: `
				SELECT $__timeInterval(Timestamp) AS time, toString(ServiceName) AS service, count() / $__interval_s AS spans
				FROM otel_traces
				WHERE $__timeFilter(Timestamp)
				GROUP BY time, service
				ORDER BY time, service`,
			}),
		)
		.withPanel(
			timeSeries({
				title: "Events a second",
				description: "Exposures, scores, feedback and other logs as delivered, of all environments.",
				width: 12,
				min: 0,
				sql: `
				SELECT $__timeInterval(Timestamp) AS time, if(EventName = '', 'other', EventName) AS event, count() / $__interval_s AS events
				FROM otel_logs
				WHERE $__timeFilter(Timestamp)
				GROUP BY time, event
				ORDER BY time, event`,
			}),
		)
		.withPanel(
			timeSeries({
				title: "Calls a minute",
				description: "Enrolled, not enrolled, and shadows.",
				width: 12,
				min: 0,
				sql: `
				SELECT $__timeInterval(started) AS time, multiIf(shadow, 'shadow', enrolled, 'enrolled', 'not enrolled') AS part, count() / ($__interval_s / 60) AS calls
				${CALLS}
				GROUP BY time, part
				ORDER BY time, part`,
			}),
		)
		.withPanel(
			timeSeries({
				title: "LLM spans without a prompt",
				description:
					"Share of model spans that name no prompt, in our words or another's, of all environments: they are no calls, and nothing is known of them.",
				width: 12,
				unit: "percentunit",
				min: 0,
				max: 1,
				sql: `
				SELECT $__timeInterval(Timestamp) AS time, avg(${NAMELESS}) AS untagged
				FROM otel_traces
				WHERE $__timeFilter(Timestamp) AND ${OF_A_MODEL}
				GROUP BY time
				ORDER BY time`,
			}),
		)
		.withPanel(
			timeSeries({
				title: "Quarantined calls",
				description: "Share of calls with a value or a time that cannot be.",
				width: 12,
				unit: "percentunit",
				min: 0,
				sql: `
				SELECT $__timeInterval(started) AS time, avg(quarantined) AS quarantined
				${CALLS}
				GROUP BY time
				ORDER BY time`,
			}),
		)
		.withPanel(
			timeSeries({
				title: "From the end of a call to its row",
				description:
					"Delay of calls by when they began, in whole seconds. Grows with a queue that ClickHouse does not keep up with. Rows from before an update that brought the column count as if they had come then.",
				width: 12,
				unit: "s",
				min: 0,
				sql: `
				SELECT $__timeInterval(started) AS time, quantile(0.5)(delay) AS median, quantile(0.95)(delay) AS p95
				FROM (SELECT started, dateDiff('second', started + toIntervalMicrosecond(ifNull(latency_us, 0)), arrived_at) AS delay ${CALLS})
				GROUP BY time
				ORDER BY time`,
			}),
		)
		.withPanel(
			timeSeries({
				title: "Fallbacks",
				description:
					"Share of calls that got something else than what routing meant, by reason. Under an old bundle (bundle-stale) they got what it meant: a line of its own.",
				width: 12,
				unit: "percentunit",
				min: 0,
				sql: `
				SELECT time, reason, calls / sum(calls) OVER (PARTITION BY time) AS share
				FROM
				(
					SELECT $__timeInterval(started) AS time, multiIf(fallback_reason = '', 'none', fallback_reason = 'bundle-stale', 'none, by an old bundle', fallback_reason) AS reason, count() AS calls
					${CALLS}
					GROUP BY time, reason
				)
				ORDER BY time, reason`,
			}),
		)
		.withPanel(
			table({
				title: "Whose evidence",
				description:
					"Calls of this time range by the environment that their resource names; those that name none count in each.",
				width: 12,
				units: { quarantined: "percentunit" },
				sql: `
				SELECT if(environment = '', '(none)', environment) AS named, service, count() AS calls, avg(quarantined) AS quarantined, max(started_at) AS newest
				FROM calls FINAL
				WHERE $__timeFilter(started_at)
				GROUP BY named, service
				ORDER BY calls DESC`,
			}),
		)
		.withPanel(
			table({
				title: "Tables",
				description: "Rows and bytes on disk, of this server.",
				width: 12,
				units: { bytes: "decbytes" },
				sql: `
				SELECT name, total_rows AS rows, total_bytes AS bytes
				FROM system.tables
				WHERE database = currentDatabase() AND total_rows IS NOT NULL
				ORDER BY bytes DESC, name`,
			}),
		);
}
