import { ALERTS, type Alert } from "./alerts.ts";
import { CLICKHOUSE, ClickHouseQuery } from "./clickhouse-query.ts";

type AlertName = (typeof ALERTS)[number]["name"];

/** Where whoever is woken can read it: a page that a browser opens from anywhere. */
const RUNBOOK_URL = "https://github.com/armspan/armspan/blob/main/docs/operations/runbook.md";

/** When an alert fires: a value above the threshold, for so long. */
interface Rule {
	/** One numeric column, which is compared; text columns name the instance. `$` would be an environment variable here. */
	readonly sql: string;
	readonly above: number;
	/** How long it has to last. */
	readonly for: string;
	/** With the columns as `{{ .Labels.name }}`. */
	readonly description: string;
	/** What is said when ClickHouse does not answer: once is enough, by the alert that is about it. */
	readonly whenUnanswered?: "Alerting" | "KeepLast";
}

/**
 * The newest look at each experiment whose iteration goes on, however old: a look that does not come is no end, so that
 * nothing is called mended because nobody looks any more. The end is the look of kind `final`, which the service writes.
 */
const RUNNING = `
	SELECT *
	FROM snapshots FINAL
	WHERE (experiment, environment, look_at) GLOBAL IN
		(
			SELECT experiment, environment, max(look_at)
			FROM snapshots
			GROUP BY experiment, environment
		)
		AND kind = 'look'`;

/** The expression of the index `by_time`, so that parts of other days are not read. */
const BY_TIME =
	"ifNull(toUnixTimestamp64Micro(started_at), 9223372036854775807) BETWEEN (toUnixTimestamp(now()) - 3600) * 1000000 AND (toUnixTimestamp(now()) + 60) * 1000000";

const INSTANCE = "CAST(experiment, 'String') AS experiment, CAST(environment, 'String') AS environment";

type PrometheusName = Extract<(typeof ALERTS)[number], { source: "prometheus" }>["name"];

const RULES: Readonly<Record<Exclude<AlertName, PrometheusName>, Rule>> = {
	"guardrail-halt": {
		sql: `
		SELECT ${INSTANCE}, JSONExtractString(decision, 'metric') AS metric, JSONExtractString(decision, 'statistic', 'variant') AS variant, toFloat64(uniqExact(id)) AS halts
		FROM decisions
		WHERE kind = 'halt' AND decided_at > now() - INTERVAL 1 HOUR
		GROUP BY experiment, environment, metric, variant`,
		above: 0,
		for: "0s",
		description:
			"{{ .Labels.metric }} of {{ .Labels.variant }} breached its guardrail; {{ .Labels.experiment }} ({{ .Labels.environment }}) is halted. Fires for an hour.",
	},
	"guardrail-breached": {
		sql: `
		SELECT experiment, environment, metric, variant, max(breached) AS breached
		FROM
		(
			SELECT ${INSTANCE}, CAST(metric, 'String') AS metric, CAST(variant, 'String') AS variant, 1. AS breached
			FROM (${RUNNING})
			WHERE guardrail_status = 'breached' AND guardrail_on_breach = 'notify'
			UNION ALL
			SELECT ${INSTANCE}, JSONExtractString(decision, 'metric') AS metric, JSONExtractString(decision, 'statistic', 'variant') AS variant, 1. AS breached
			FROM decisions
			WHERE kind = 'notify'
				AND
				(
					decided_at > now() - INTERVAL 1 HOUR
					OR (experiment, environment, iteration) GLOBAL IN (SELECT experiment, environment, iteration FROM (${RUNNING}))
				)
		)
		GROUP BY experiment, environment, metric, variant`,
		above: 0,
		for: "0s",
		description:
			"{{ .Labels.metric }} of {{ .Labels.variant }} in {{ .Labels.experiment }} ({{ .Labels.environment }}) is worse than its margin tolerates; the guardrail only notifies.",
	},
	"guardrail-unmeasured": {
		sql: `
		SELECT ${INSTANCE}, CAST(metric, 'String') AS metric, CAST(variant, 'String') AS variant, 1. AS unmeasured
		FROM (${RUNNING})
		WHERE guardrail_status = 'unmeasured' OR guardrail_status != '' AND look_at < now() - INTERVAL 1 HOUR`,
		above: 0,
		for: "15m",
		description:
			"Nothing is known of {{ .Labels.metric }} of {{ .Labels.variant }} in {{ .Labels.experiment }} ({{ .Labels.environment }}); or it was last looked at an hour ago.",
	},
	"sample-ratio-mismatch": {
		sql: `
		SELECT ${INSTANCE}, toFloat64(max(sample_ratio_mismatch)) AS mismatch
		FROM (${RUNNING})
		GROUP BY experiment, environment`,
		above: 0,
		for: "0s",
		description: "Units of {{ .Labels.experiment }} ({{ .Labels.environment }}) do not follow the weights of its arms.",
	},
	"units-in-two-arms": {
		sql: `
		SELECT experiment, environment, excluded / (excluded + units) AS share
		FROM
		(
			SELECT experiment, environment, any(excluded_units) AS excluded, sum(arm_units) AS units
			FROM (SELECT DISTINCT ${INSTANCE}, variant, arm_units, excluded_units FROM (${RUNNING}))
			GROUP BY experiment, environment
		)
		WHERE excluded + units >= 100`,
		above: 0.01,
		for: "5m",
		description:
			"More than 1 % of the units of {{ .Labels.experiment }} ({{ .Labels.environment }}) were seen in two arms.",
	},
	"no-calls": {
		sql: `
		SELECT experiment, environment, toFloat64(dateDiff('minute', max(last_sign), now())) AS silent_minutes
		FROM
		(
			SELECT ${INSTANCE}, newest_call_at AS last_sign
			FROM (${RUNNING})
			UNION ALL
			SELECT CAST(running.1, 'String') AS experiment, CAST(running.3, 'String') AS environment, max(started_at) AS last_sign
			FROM
			(
				SELECT started_at, arrayJoin(arrayFilter(
					it -> it.1 = calls.experiment AND it.2 = calls.iteration AND calls.environment IN ('', it.3),
					(SELECT groupUniqArray((experiment, iteration, environment)) FROM (${RUNNING}))
				)) AS running
				FROM calls
				WHERE enrolled AND started_at > now() - INTERVAL 1 HOUR AND started_at <= now() + INTERVAL 1 MINUTE AND ${BY_TIME}
			)
			GROUP BY experiment, environment
			UNION ALL
			SELECT ${INSTANCE}, min(look_at) AS last_sign
			FROM snapshots
			WHERE (experiment, environment, iteration) GLOBAL IN (SELECT experiment, environment, iteration FROM (${RUNNING}))
			GROUP BY experiment, environment
		)
		GROUP BY experiment, environment`,
		above: 30,
		for: "5m",
		description: "{{ .Labels.experiment }} ({{ .Labels.environment }}) has had no counted call for half an hour.",
	},
	"ingest-lag": {
		sql: `
		WITH (SELECT max(Timestamp) FROM otel_traces WHERE Timestamp > now() - INTERVAL 30 DAY AND Timestamp <= now() + INTERVAL 1 MINUTE) AS newest
		SELECT service, max(seconds) AS lag_seconds
		FROM
		(
			SELECT 'all services' AS service, toFloat64(dateDiff('second', newest, now())) AS seconds
			FROM otel_traces
			WHERE Timestamp > newest - INTERVAL 1 HOUR AND Timestamp <= newest
			HAVING uniqExact(toStartOfMinute(Timestamp)) >= 50
			UNION ALL
			SELECT service, toFloat64(dateDiff('second', newest_of_service, now())) AS seconds
			FROM
			(
				SELECT CAST(ServiceName, 'String') AS service, max(Timestamp) AS newest_of_service, groupUniqArray(toStartOfMinute(Timestamp)) AS minutes
				FROM otel_traces
				WHERE Timestamp > now() - INTERVAL 4 HOUR AND Timestamp <= now() + INTERVAL 1 MINUTE
				GROUP BY service
			)
			WHERE newest_of_service > now() - INTERVAL 3 HOUR
				AND arrayCount(minute -> minute > newest_of_service - INTERVAL 1 HOUR, minutes) >= 50
			UNION ALL
			SELECT CAST(service, 'String') AS service, toFloat64(quantile(0.5)(dateDiff('second', started_at + toIntervalMicrosecond(ifNull(latency_us, 0)), arrived_at))) AS seconds
			FROM calls
			WHERE arrived_at > now() - INTERVAL 5 MINUTE AND started_at IS NOT NULL
			GROUP BY service
			HAVING count() >= 20
		)
		GROUP BY service`,
		above: 120,
		for: "2m",
		description:
			"The newest span of {{ .Labels.service }} is more than two minutes old, after an hour in which spans came nearly every minute (of one service alone for three hours at most: it may have been stopped on purpose); or half of the calls that came in the last five minutes had ended two minutes before. Also fires when ClickHouse does not answer Grafana.",
		whenUnanswered: "Alerting",
	},
	"evidence-quarantined": {
		sql: `
		SELECT if(environment = '', 'none', environment) AS environment, avg(quarantined) AS share
		FROM (SELECT CAST(environment, 'String') AS environment, quarantined FROM calls FINAL WHERE arrived_at > now() - INTERVAL 1 HOUR)
		GROUP BY environment
		HAVING count() >= 100`,
		above: 0.01,
		for: "5m",
		description:
			"More than 1 % of the last hour's calls of environment {{ .Labels.environment }} have a value that cannot be.",
	},
	"looks-missing": {
		sql: `
		SELECT experiment, environment, minutes - greatest(4, 3 * usual_minutes) AS minutes_overdue
		FROM
		(
			SELECT
				${INSTANCE},
				toFloat64(dateDiff('second', max(look_at), now())) / 60 AS minutes,
				arraySlice(arraySort(groupUniqArray(toUnixTimestamp64Milli(look_at))), -6) AS latest,
				arrayPopFront(arrayDifference(latest)) AS gaps,
				if(empty(gaps), 0, arraySort(gaps)[intDiv(length(gaps) + 1, 2)] / 60000) AS usual_minutes
			FROM snapshots
			GROUP BY experiment, environment
			HAVING argMax(kind, (look_at, computed_at)) = 'look'
		)`,
		above: 0,
		for: "0s",
		description:
			"{{ .Labels.experiment }} ({{ .Labels.environment }}) runs, and has not been looked at for four minutes (three times as long as usual, where looks take long).",
	},
};

/** Alert rules as Grafana provisions them from a file. */
export function grafanaAlerting() {
	return {
		apiVersion: 1,
		groups: [
			{
				orgId: 1,
				name: "armspan",
				folder: "Armspan",
				interval: "1m",
				rules: ALERTS.flatMap((alert: Alert) => {
					const rule = RULES[alert.name as keyof typeof RULES];
					return rule === undefined ? [] : [grafanaRule(alert, rule)];
				}),
			},
		],
	};
}

function grafanaRule(alert: Alert, rule: Rule) {
	const { _implementsDataqueryVariant, ...model } = new ClickHouseQuery(rule.sql, "table", {
		type: CLICKHOUSE,
		uid: "armspan-clickhouse",
	}).build();
	const expressions = { type: "__expr__", uid: "__expr__" };
	return {
		uid: `armspan-${alert.name}`,
		title: alert.name,
		condition: "B",
		for: rule.for,
		// No row means that there is nothing to say.
		noDataState: "OK",
		execErrState: rule.whenUnanswered ?? "KeepLast",
		data: [
			{ refId: "A", relativeTimeRange: { from: 600, to: 0 }, datasourceUid: "armspan-clickhouse", model },
			{
				refId: "B",
				relativeTimeRange: { from: 600, to: 0 },
				datasourceUid: "__expr__",
				model: {
					refId: "B",
					datasource: expressions,
					type: "threshold",
					expression: "A",
					conditions: [{ evaluator: { type: "gt", params: [rule.above] } }],
				},
			},
		],
		annotations: annotationsOf(alert, rule.description),
		labels: { severity: alert.severity, product: "armspan" },
	};
}

/**
 * By Collector, and by its queues of spans and of log records; counters end in `_total` where they are scraped as OpenMetrics. An outage shows within minutes, however large the queue and small the
 * traffic: it holds something for five minutes, and nothing leaves. Beyond a twentieth it also shows where some leaves.
 */
const QUEUE_STUCK = [
	...["traces spans", "logs log_records"].map((pair) => {
		const [type, sent] = pair.split(" ");
		return `min by (job, instance, exporter) (min_over_time(otelcol_exporter_queue_size{data_type="${type}"}[5m])) > 0 unless on (job, instance, exporter) sum by (job, instance, exporter) (increase({__name__=~"otelcol_exporter_sent_${sent}(_total)?"}[5m])) > 0`;
	}),
	"max by (job, instance, exporter) (otelcol_exporter_queue_size / otelcol_exporter_queue_capacity) > 0.05",
]
	.map((part) => `(${part})`)
	.join(" or ");

/** What only the Collector and the service know. */
const PROMETHEUS_RULES: Readonly<Record<PrometheusName, { expr: string; for: string; description: string }>> = {
	"collector-queue": {
		expr: QUEUE_STUCK,
		for: "1m",
		description:
			"The queue of {{ $labels.exporter }} on {{ $labels.instance }} has not been empty for five minutes in which nothing was sent; or it is more than a twentieth full: ClickHouse takes less than what comes.",
	},
	"service-down": {
		expr: 'up{job="armspan"} == 0 or absent(up{job="armspan"}) or time() - armspan_guardrails_last_check_timestamp_seconds > 120',
		for: "1m",
		description: "{{ $labels.instance }} does not answer Prometheus, or last looked at guardrails two minutes ago.",
	},
	"service-degraded": {
		expr: "armspan_degraded > 0",
		for: "2m",
		description: "/healthz of {{ $labels.instance }} says degraded, and why.",
	},
	"halt-not-followed": {
		expr: "armspan_halts_ignored > 0 or armspan_halts_uncommitted > 0",
		for: "2m",
		description:
			"An application still calls a halted variant, or a halt could not be committed: /healthz of {{ $labels.instance }} names it.",
	},
};

/** The one that only the Collector knows: rules of Prometheus. */
export function prometheusRules() {
	return {
		groups: [
			{
				name: "armspan",
				rules: rulesOf(["collector-queue"]),
			},
		],
	};
}

/** Rules for a Prometheus that scrapes the service as `armspan`. */
export function servicePrometheusRules() {
	return {
		groups: [{ name: "armspan-service", rules: rulesOf(["service-down", "service-degraded", "halt-not-followed"]) }],
	};
}

function rulesOf(names: readonly PrometheusName[]) {
	return ALERTS.filter(({ name }) => (names as readonly string[]).includes(name)).map((alert) => {
		const { expr, for: lasting, description } = PROMETHEUS_RULES[alert.name as PrometheusName];
		return {
			alert: alert.name,
			expr,
			for: lasting,
			labels: { severity: alert.severity, product: "armspan" },
			annotations: annotationsOf(alert, description),
		};
	});
}

function annotationsOf({ name, summary }: Alert, description: string) {
	return { summary, description, runbook_url: `${RUNBOOK_URL}#${name}` };
}
