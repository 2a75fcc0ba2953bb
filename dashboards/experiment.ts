import { RowBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, decisions } from "./frame.ts";
import { stat, stateTimeline, table, timeSeries } from "./panels.ts";
import {
	GUARDRAIL_NUMBERS,
	GUARDRAIL_STATES,
	guardrailNumber,
	VERDICT_NUMBERS,
	VERDICT_STATES,
	verdictNumber,
} from "./states.ts";
import { datasource, environment, experiment, iteration, metric, treatment } from "./variables.ts";

const ITERATION =
	"environment = ${environment:sqlstring} AND experiment = ${experiment:sqlstring} AND iteration = ${iteration:sqlstring}";
/** The newest look, whatever the time range. */
const NEWEST = `${ITERATION} AND look_at = (SELECT max(look_at) FROM snapshots WHERE ${ITERATION})`;
const IN_RANGE = `${ITERATION} AND $__timeFilter(look_at)`;

/** An effect of the treatment that is looked at, with its bounds, at each look. */
const effectOverTime = (lowerEffectUpper: string) => `
				SELECT time, said.1 AS lower, said.2 AS effect, said.3 AS upper
				FROM
				(
					SELECT $__timeInterval(look_at) AS time, argMax((${lowerEffectUpper}), look_at) AS said
					FROM snapshots FINAL
					WHERE ${IN_RANGE} AND metric IN (\${metric:sqlstring}) AND variant = \${treatment:sqlstring}
					GROUP BY time
				)
				ORDER BY time`;

export function experimentDashboard() {
	return dashboard(
		"armspan-experiment",
		"Armspan: experiment",
		"One iteration of an experiment, as the service's analysis saw it at each look. Nothing is computed here.",
	)
		.time({ from: "now-7d", to: "now" })
		.withVariable(datasource())
		.withVariable(environment())
		.withVariable(experiment())
		.withVariable(iteration())
		.withVariable(treatment())
		.withVariable(metric())
		.annotation(decisions("experiment = ${experiment:sqlstring} AND iteration = ${iteration:sqlstring}"))
		.withPanel(
			stat({
				title: "Verdict",
				description: "What the newest look concludes of the experiment; `armspan analyze` says why.",
				width: 5,
				height: 4,
				states: VERDICT_STATES,
				sql: `
				SELECT toString(verdict) AS verdict
				FROM snapshots FINAL
				WHERE ${NEWEST}
				LIMIT 1`,
			}),
		)
		.withPanel(
			stat({
				title: "Units",
				description: "Units enrolled, in all arms, without those seen in two arms.",
				width: 4,
				height: 4,
				sql: `
				SELECT sum(arm_units) AS units
				FROM (SELECT DISTINCT variant, arm_units FROM snapshots FINAL WHERE ${NEWEST})`,
			}),
		)
		.withPanel(
			stat({
				title: "Units in two arms",
				description: "Share of units that were seen in two arms: left out everywhere. Above 1 % the verdict says so.",
				width: 5,
				height: 4,
				unit: "percentunit",
				decimals: 2,
				badFrom: 0.01,
				sql: `
				SELECT if(total = 0, 0, excluded / total) AS share
				FROM
				(
					SELECT any(excluded_units) AS excluded, excluded + sum(arm_units) AS total
					FROM (SELECT DISTINCT variant, arm_units, excluded_units FROM snapshots FINAL WHERE ${NEWEST})
				)`,
			}),
		)
		.withPanel(
			stat({
				title: "Sample ratio",
				description:
					"Whether units follow the weights, by a test that may be looked at all the time. A mismatch makes the comparison invalid.",
				width: 5,
				height: 4,
				states: {
					mismatch: { text: "mismatch", color: "red" },
					"as weighted": { text: "as weighted", color: "green" },
					unmeasured: { text: "unmeasured", color: "purple" },
				},
				sql: `
				SELECT multiIf(sample_ratio_mismatch, 'mismatch', sample_ratio_p_value IS NULL, 'unmeasured', 'as weighted') AS ratio
				FROM snapshots FINAL
				WHERE ${NEWEST}
				LIMIT 1`,
			}),
		)
		.withPanel(
			stat({
				title: "Newest look",
				description: "A running experiment is looked at once a minute; more rarely when looks take long.",
				width: 5,
				height: 4,
				unit: "dateTimeFromNow",
				sql: `
				SELECT toUnixTimestamp64Milli(max(look_at)) AS look
				FROM snapshots
				WHERE ${ITERATION}
				HAVING count() > 0`,
			}),
		)
		.withPanel(
			table({
				title: "What the newest look says",
				description:
					"Each treatment against control. An empty bound beside an effect is unbounded; an empty effect could not be estimated, for the reason in the last column. Intervals hold at the level given, when `basis` says.",
				width: 24,
				height: 9,
				units: { relative_effect: "percentunit", relative_lower: "percentunit", relative_upper: "percentunit" },
				states: { guardrail_status: GUARDRAIL_STATES, arm_verdict: VERDICT_STATES },
				sql: `
				SELECT
					metric, role, variant, units, estimate, metric_unit,
					relative_effect, relative_lower, relative_upper,
					effect, effect_lower, effect_upper,
					level, basis, p_value, conclusion, guardrail_status, arm_verdict, not_estimable
				FROM snapshots FINAL
				WHERE ${NEWEST}
				ORDER BY indexOf(['primary', 'guardrail', 'secondary'], role), metric, arm, variant`,
			}),
		)
		.withRow(new RowBuilder("$metric").repeat("metric"))
		.withPanel(
			timeSeries({
				title: "Effect of $treatment on $metric, relative to control",
				description:
					"With its interval, as the analysis gave it at each look. An always-valid interval may be read at any time: an effect is shown when it excludes zero. Where a line is missing, the effect or its bound could not be estimated: nothing is relative to a control of nothing, as an error rate of 0. Then the effect beside says it.",
				width: 8,
				unit: "percentunit",
				band: true,
				sql: effectOverTime("relative_lower, relative_effect, relative_upper"),
			}),
		)
		.withPanel(
			timeSeries({
				title: "Effect of $treatment on $metric, as a difference",
				description:
					"Treatment minus control in the metric's own unit, with its interval, as the analysis gave it at each look. Always there where an effect is, relative or not; a bound that is missing is unbounded.",
				width: 8,
				band: true,
				sql: effectOverTime("effect_lower, effect, effect_upper"),
			}),
		)
		.withPanel(
			timeSeries({
				title: "$metric by arm",
				description:
					"Estimates since the iteration began, in the metric's own unit. Differences are beside, with intervals.",
				width: 8,
				sql: `
				SELECT time, variant, said.1 AS estimate
				FROM
				(
					SELECT $__timeInterval(look_at) AS time, toString(variant) AS variant, argMax(tuple(estimate), look_at) AS said
					FROM snapshots FINAL
					WHERE ${IN_RANGE} AND metric IN (\${metric:sqlstring})
					GROUP BY time, variant
				)
				ORDER BY time, variant`,
			}),
		)
		.withRow(new RowBuilder("Over time"))
		.withPanel(
			timeSeries({
				title: "Units enrolled",
				description: "By arm, without those seen in two arms.",
				width: 8,
				min: 0,
				sql: `
				SELECT $__timeInterval(look_at) AS time, toString(variant) AS variant, argMax(arm_units, look_at) AS units
				FROM snapshots FINAL
				WHERE ${IN_RANGE}
				GROUP BY time, variant
				ORDER BY time, variant`,
			}),
		)
		.withPanel(
			timeSeries({
				title: "Sample ratio: p-value",
				description:
					"That units follow the weights, always valid: it only needs to be believed once it is tiny (below 0.001).",
				width: 8,
				logarithmic: true,
				max: 1,
				sql: `
				SELECT time, said.1 AS p_value
				FROM
				(
					SELECT $__timeInterval(look_at) AS time, argMax(tuple(sample_ratio_p_value), look_at) AS said
					FROM snapshots FINAL
					WHERE ${IN_RANGE}
					GROUP BY time
				)
				ORDER BY time`,
			}),
		)
		.withPanel(
			timeSeries({
				title: "Units left out",
				description: "Seen in two arms, or with a maturation window that has not passed.",
				width: 8,
				min: 0,
				sql: `
				SELECT $__timeInterval(look_at) AS time, argMax(excluded_units, look_at) AS in_two_arms, argMax(immature_units, look_at) AS immature
				FROM snapshots FINAL
				WHERE ${IN_RANGE}
				GROUP BY time
				ORDER BY time`,
			}),
		)
		.withPanel(
			stateTimeline({
				title: "Guardrails",
				description: "`unmeasured` is not good news; only a breach halts.",
				width: 12,
				states: GUARDRAIL_NUMBERS,
				sql: `
				SELECT $__timeInterval(look_at) AS time, concat(metric, ' of ', variant) AS guardrail, argMax(${guardrailNumber("guardrail_status")}, look_at) AS status
				FROM snapshots FINAL
				WHERE ${IN_RANGE} AND guardrail_status != ''
				GROUP BY time, guardrail
				ORDER BY time, guardrail`,
			}),
		)
		.withPanel(
			stateTimeline({
				title: "Verdict on each treatment",
				description: "What could have been concluded at each look.",
				width: 12,
				states: VERDICT_NUMBERS,
				sql: `
				SELECT $__timeInterval(look_at) AS time, toString(variant) AS treatment, argMax(${verdictNumber("arm_verdict")}, look_at) AS verdict
				FROM snapshots FINAL
				WHERE ${IN_RANGE} AND arm = 'treatment'
				GROUP BY time, treatment
				ORDER BY time, treatment`,
			}),
		);
}
