import { callsInRange } from "./calls.ts";
import { annotation, dashboard, decisions } from "./frame.ts";
import { table, timeSeries } from "./panels.ts";
import { datasource, environment, prompt } from "./variables.ts";

const ROWS = "prompt_name = ${prompt:sqlstring} AND environment IN ('', ${environment:sqlstring}) AND NOT shadow";
const CALLS = `
	${callsInRange(ROWS)}`;
/** A call that broke off has no latency. */
const LATENCY_MS = "if(finish_reason IN ('aborted', 'abandoned'), NULL, latency_us) / 1000";

const byVersion = (value: string): string => `
	SELECT $__timeInterval(started) AS time, toString(prompt_version) AS version, ${value}${CALLS}
	GROUP BY time, version
	ORDER BY time, version`;

export function promptVersionsDashboard() {
	return dashboard(
		"armspan-prompt-versions",
		"Armspan: prompt versions",
		"Versions of one prompt as they were used, in an experiment or not. Nobody was assigned to a version at random here: differences may come from anything that differed between the calls. To know, run an experiment.",
	)
		.time({ from: "now-24h", to: "now" })
		.withVariable(datasource())
		.withVariable(environment())
		.withVariable(prompt())
		.annotation(
			annotation(
				"Deployments",
				"blue",
				// What git intends is not in ClickHouse; what calls outside of treatments were routed to is.
				`
				SELECT at AS time, concat('deployed ', prompt_version, ' in place of ', previous) AS text, 'deployment' AS tags
				FROM
				(
					SELECT at, toString(prompt_version) AS prompt_version, lagInFrame(prompt_version) OVER (ORDER BY routing_revision, at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS previous
					FROM
					(
						SELECT routing_revision, toString(prompt_version) AS prompt_version, min(assumeNotNull(started_at)) AS at
						FROM calls
						WHERE ${ROWS} AND (NOT enrolled OR variant = 'control') AND $__timeFilter(started_at)
						GROUP BY routing_revision, prompt_version
					)
				)
				WHERE previous != '' AND prompt_version != previous
				ORDER BY time`,
			),
		)
		.annotation(
			decisions(
				"experiment GLOBAL IN (SELECT experiment FROM snapshots WHERE environment = ${environment:sqlstring} AND prompt = ${prompt:sqlstring})",
			),
		)
		.withPanel(
			table({
				title: "Versions in this time range",
				description: "Not randomized. Calls that broke off have no latency; calls of unknown price have no cost.",
				width: 24,
				height: 7,
				units: {
					p50: "ms",
					p95: "ms",
					errors: "percentunit",
					cost_per_call: "currencyUSD",
					input_per_call: "short",
					output_per_call: "short",
				},
				sql: `
				SELECT
					toString(prompt_version) AS version,
					count() AS calls,
					uniqExact(unit_id) AS units,
					quantile(0.5)(${LATENCY_MS}) AS p50,
					quantile(0.95)(${LATENCY_MS}) AS p95,
					avg(is_error) AS errors,
					avg(cost_nano_usd) / 1e9 AS cost_per_call,
					avg(input_tokens) AS input_per_call,
					avg(output_tokens) AS output_per_call,
					min(started) AS first_call,
					max(started) AS last_call${CALLS.replaceAll("\n\t", "\n\t\t\t\t")}
				GROUP BY version
				ORDER BY last_call DESC`,
			}),
		)
		.withPanel(
			timeSeries({
				title: "Calls a minute",
				description: "By version, shadows left out.",
				width: 12,
				min: 0,
				sql: byVersion("count() / ($__interval_s / 60) AS calls"),
			}),
		)
		.withPanel(
			timeSeries({
				title: "Failed calls",
				description: "Share of calls with an error.",
				width: 12,
				unit: "percentunit",
				min: 0,
				sql: byVersion("avg(is_error) AS failed"),
			}),
		)
		.withPanel(
			timeSeries({
				title: "Latency, 95th percentile",
				description:
					"Of the calls of each interval. Depends on the provider's cache, hence on how much traffic a version gets.",
				width: 12,
				unit: "ms",
				min: 0,
				sql: byVersion(`quantile(0.95)(${LATENCY_MS}) AS p95`),
			}),
		)
		.withPanel(
			timeSeries({
				title: "Latency, median",
				description: "Of the calls of each interval.",
				width: 12,
				unit: "ms",
				min: 0,
				sql: byVersion(`quantile(0.5)(${LATENCY_MS}) AS p50`),
			}),
		)
		.withPanel(
			timeSeries({
				title: "Cost of a call",
				description: "Mean of the calls whose price is known.",
				width: 12,
				unit: "currencyUSD",
				min: 0,
				sql: byVersion("avg(cost_nano_usd) / 1e9 AS cost"),
			}),
		)
		.withPanel(
			timeSeries({
				title: "Quality",
				description:
					"Mean of judges' scores and of feedback, by name and version: of the calls that were judged, which may not be like the others.",
				width: 12,
				sql: `
				SELECT $__timeInterval(evaluated) AS time, concat(name, ' ', prompt_version) AS score, avg(score_micros) / 1e6 AS value
				FROM (SELECT *, assumeNotNull(evaluated_at) AS evaluated FROM evaluations FINAL WHERE ${ROWS} AND $__timeFilter(evaluated_at))
				WHERE kind IN ('score', 'feedback') AND score_micros IS NOT NULL
				GROUP BY time, score
				ORDER BY time, score`,
			}),
		);
}
