import { dashboard, decisions } from "./frame.ts";
import { stat, stateTimeline, table, timeSeries } from "./panels.ts";
import { GUARDRAIL_NUMBERS, GUARDRAIL_STATES, guardrailNumber, VERDICT_STATES } from "./states.ts";
import { datasource, environment } from "./variables.ts";

const ENVIRONMENT = "environment = ${environment:sqlstring}";
/** The newest look at each experiment, at whatever iteration. */
const NEWEST = `${ENVIRONMENT} AND (experiment, look_at) GLOBAL IN (SELECT experiment, max(look_at) FROM snapshots WHERE ${ENVIRONMENT} GROUP BY experiment)`;
const IN_RANGE = `${ENVIRONMENT} AND $__timeFilter(look_at)`;
const GUARDRAIL = "concat(experiment, ': ', metric, ' of ', variant) AS guardrail";

const countNow = (status: string): string => `
	SELECT countIf(guardrail_status = '${status}' AND status = 'running') AS guardrails
	FROM snapshots FINAL
	WHERE ${NEWEST}
	HAVING count() > 0`;

export function guardrailsDashboard() {
	return dashboard(
		"armspan-guardrails",
		"Armspan: guardrails and decisions",
		"All experiments of an environment: how they stand, what their guardrails say, and what was decided.",
	)
		.time({ from: "now-24h", to: "now" })
		.withVariable(datasource())
		.withVariable(environment())
		.annotation(decisions("kind != 'start'"))
		.withPanel(
			stat({
				title: "Halts",
				description: "In this time range.",
				width: 8,
				height: 4,
				badFrom: 1,
				sql: `
				SELECT uniqExact(id) AS halts
				FROM decisions
				WHERE kind = 'halt' AND environment IN ('', \${environment:sqlstring}) AND $__timeFilter(decided_at)`,
			}),
		)
		.withPanel(
			stat({
				title: "Guardrails breached now",
				description: "Of running experiments: those that only notify, or whose halt is a moment away.",
				width: 8,
				height: 4,
				badFrom: 1,
				sql: countNow("breached"),
			}),
		)
		.withPanel(
			stat({
				title: "Guardrails unmeasured now",
				description: "Of running experiments. Nothing would stop a bad treatment there.",
				width: 8,
				height: 4,
				badFrom: 1,
				sql: countNow("unmeasured"),
			}),
		)
		.withPanel(
			table({
				title: "Experiments",
				description: "As of the newest look at each.",
				width: 24,
				height: 7,
				units: { look: "dateTimeFromNow" },
				states: { verdict: VERDICT_STATES },
				links: {
					experiment: {
						title: "the experiment",
						url: "/d/armspan-experiment?var-datasource=${datasource}&var-environment=${environment}&var-experiment=${__data.fields.experiment}&var-iteration=${__data.fields.iteration}",
					},
				},
				sql: `
				SELECT experiment, iteration, prompt, status, verdict, inference, units, excluded_units, sample_ratio_mismatch, look
				FROM
				(
					SELECT
						toString(experiment) AS experiment, toString(iteration) AS iteration, any(prompt) AS prompt, any(status) AS status,
						any(verdict) AS verdict, any(inference) AS inference, sumIf(arm_units, metric = one_metric) AS units,
						any(excluded_units) AS excluded_units, any(sample_ratio_mismatch) AS sample_ratio_mismatch,
						toUnixTimestamp64Milli(max(look_at)) AS look
					FROM (SELECT *, min(metric) OVER (PARTITION BY experiment) AS one_metric FROM snapshots FINAL WHERE ${NEWEST})
					GROUP BY experiment, iteration
				)
				ORDER BY look DESC, experiment`,
			}),
		)
		.withPanel(
			stateTimeline({
				title: "Guardrails",
				description: "`passing` needs evidence; no breach alone is `inconclusive`; `unmeasured` is not good news.",
				width: 24,
				height: 9,
				states: GUARDRAIL_NUMBERS,
				sql: `
				SELECT $__timeInterval(look_at) AS time, ${GUARDRAIL}, argMax(${guardrailNumber("guardrail_status")}, look_at) AS status
				FROM snapshots FINAL
				WHERE ${IN_RANGE} AND guardrail_status != ''
				GROUP BY time, guardrail
				ORDER BY time, guardrail`,
			}),
		)
		.withPanel(
			timeSeries({
				title: "Evidence of harm, as a share of what halts",
				description: "The logarithm of the e-value over that of its threshold: at 100 % the guardrail is breached.",
				width: 12,
				unit: "percentunit",
				sql: `
				SELECT $__timeInterval(look_at) AS time, ${GUARDRAIL}, argMax(guardrail_log_e_value / guardrail_log_threshold, look_at) AS evidence
				FROM snapshots FINAL
				WHERE ${IN_RANGE} AND guardrail_log_e_value IS NOT NULL AND guardrail_log_threshold > 0
				GROUP BY time, guardrail
				ORDER BY time, guardrail`,
			}),
		)
		.withPanel(
			timeSeries({
				title: "Non-inferiority: p-value",
				description:
					"That the treatment is worse than its margin tolerates, always valid: below alpha the guardrail passes.",
				width: 12,
				logarithmic: true,
				max: 1,
				sql: `
				SELECT $__timeInterval(look_at) AS time, ${GUARDRAIL}, argMax(non_inferiority_p_value, look_at) AS p_value
				FROM snapshots FINAL
				WHERE ${IN_RANGE} AND non_inferiority_p_value IS NOT NULL
				GROUP BY time, guardrail
				ORDER BY time, guardrail`,
			}),
		)
		.withPanel(
			table({
				title: "Decisions",
				description:
					"Newest first. `replayDecision` of @armspan/analysis computes one again from what is stored with it.",
				width: 24,
				height: 9,
				states: {
					kind: {
						halt: { text: "halt", color: "red" },
						notify: { text: "notify", color: "orange" },
						start: { text: "start", color: "blue" },
					},
				},
				sql: `
				SELECT
					decided_at, kind, experiment, iteration, environment,
					JSONExtractString(decision, 'metric') AS metric,
					JSONExtractString(decision, 'statistic', 'variant') AS variant,
					reason, id
				FROM decisions
				WHERE environment IN ('', \${environment:sqlstring}) AND $__timeFilter(decided_at)
				ORDER BY decided_at DESC, id
				LIMIT 1 BY id, environment`,
			}),
		)
		.withPanel(
			table({
				title: "Guardrails of running experiments",
				description: "As of the newest look.",
				width: 24,
				height: 9,
				units: { margin: "percentunit", look: "dateTimeFromNow" },
				states: { guardrail_status: GUARDRAIL_STATES },
				sql: `
				SELECT
					experiment, iteration, metric, variant, guardrail_status, guardrail_on_breach, guardrail_margin AS margin,
					guardrail_log_e_value, guardrail_log_threshold, non_inferiority_p_value, toUnixTimestamp64Milli(look_at) AS look
				FROM snapshots FINAL
				WHERE ${NEWEST} AND guardrail_status != '' AND status = 'running'
				ORDER BY experiment, metric, variant`,
			}),
		);
}
