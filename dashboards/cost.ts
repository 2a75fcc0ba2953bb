import { callsInRange } from "./calls.ts";
import { dashboard } from "./frame.ts";
import { stat, table, timeSeries } from "./panels.ts";
import { datasource, environment } from "./variables.ts";

/** Shadows cost as much as other calls, so they are in. */
const CALLS = callsInRange("environment IN ('', ${environment:sqlstring})");

const costBy = (column: string, name: string): string => `
	SELECT $__timeInterval(started) AS time, toString(${column}) AS ${name}, sum(cost_nano_usd) / 1e9 / ($__interval_s / 3600) AS usd_per_hour
	${CALLS}
	GROUP BY time, ${name}
	ORDER BY time, ${name}`;

export function costDashboard() {
	return dashboard(
		"armspan-cost",
		"Armspan: cost",
		"What calls cost, as far as their price is known: the provider's own figures, else a price table. Shadows are counted.",
	)
		.time({ from: "now-7d", to: "now" })
		.withVariable(datasource())
		.withVariable(environment())
		.withPanel(
			stat({
				title: "Cost",
				description: "Of this time range.",
				width: 6,
				height: 4,
				unit: "currencyUSD",
				decimals: 2,
				sql: `
				SELECT sum(cost_nano_usd) / 1e9 AS usd
				${CALLS}`,
			}),
		)
		.withPanel(
			stat({
				title: "Cost of a call",
				description: "Mean of the calls whose price is known.",
				width: 6,
				height: 4,
				unit: "currencyUSD",
				decimals: 5,
				sql: `
				SELECT avg(cost_nano_usd) / 1e9 AS usd
				${CALLS}`,
			}),
		)
		.withPanel(
			stat({
				title: "Calls without a price",
				description: "Share of calls whose cost is not known: the sums above lack them.",
				width: 6,
				height: 4,
				unit: "percentunit",
				decimals: 1,
				badFrom: 0.05,
				sql: `
				SELECT avg(cost_nano_usd IS NULL) AS share
				${CALLS}
				HAVING count() > 0`,
			}),
		)
		.withPanel(
			stat({
				title: "Input from the provider's cache",
				description:
					"Share of input tokens. An arm with less traffic gets fewer of them, so it looks dearer and slower.",
				width: 6,
				height: 4,
				unit: "percentunit",
				decimals: 1,
				sql: `
				SELECT sum(cached_tokens) / sum(input_tokens) AS share
				${CALLS}
				HAVING sum(input_tokens) > 0`,
			}),
		)
		.withPanel(
			timeSeries({
				title: "Cost an hour, by prompt",
				description: "Calls whose price is known.",
				width: 12,
				unit: "currencyUSD",
				min: 0,
				stacked: true,
				sql: costBy("prompt_name", "prompt"),
			}),
		)
		.withPanel(
			timeSeries({
				title: "Cost an hour, by model",
				description: "Calls whose price is known.",
				width: 12,
				unit: "currencyUSD",
				min: 0,
				stacked: true,
				sql: costBy("model", "model"),
			}),
		)
		.withPanel(
			timeSeries({
				title: "Cost an hour, by part",
				description: "What experiments and their shadows cost beside everything else.",
				width: 12,
				unit: "currencyUSD",
				min: 0,
				stacked: true,
				sql: costBy("multiIf(shadow, concat(experiment, ' (shadow)'), enrolled, experiment, 'not enrolled')", "part"),
			}),
		)
		.withPanel(
			timeSeries({
				title: "Tokens a minute",
				description: "Input from the cache is part of the input.",
				width: 12,
				min: 0,
				sql: `
				SELECT
					$__timeInterval(started) AS time,
					sum(input_tokens) / ($__interval_s / 60) AS input,
					sum(cached_tokens) / ($__interval_s / 60) AS cached_input,
					sum(output_tokens) / ($__interval_s / 60) AS output,
					sum(reasoning_tokens) / ($__interval_s / 60) AS reasoning
				${CALLS}
				GROUP BY time
				ORDER BY time`,
			}),
		)
		.withPanel(
			table({
				title: "Prompts, versions and models",
				description: "Dearest first.",
				width: 24,
				height: 9,
				units: { usd: "currencyUSD", usd_per_call: "currencyUSD", from_cache: "percentunit", unpriced: "percentunit" },
				sql: `
				SELECT
					prompt_name, prompt_version, model, count() AS calls,
					sum(cost_nano_usd) / 1e9 AS usd, avg(cost_nano_usd) / 1e9 AS usd_per_call,
					avg(input_tokens) AS input_per_call, avg(output_tokens) AS output_per_call,
					if(sum(input_tokens) > 0, sum(cached_tokens) / sum(input_tokens), NULL) AS from_cache,
					avg(cost_nano_usd IS NULL) AS unpriced
				${CALLS}
				GROUP BY prompt_name, prompt_version, model
				ORDER BY usd DESC, calls DESC
				LIMIT 100`,
			}),
		)
		.withPanel(
			table({
				title: "Arms of experiments",
				description:
					"What a unit cost in this time range, for accounts. Whether an arm is dearer is said by the experiment's dashboard, with an interval.",
				width: 24,
				height: 9,
				units: { usd: "currencyUSD", usd_per_unit: "currencyUSD" },
				sql: `
				SELECT
					experiment, iteration, variant, uniqExact(unit_id) AS units, count() AS calls,
					sum(cost_nano_usd) / 1e9 AS usd, usd / units AS usd_per_unit
				${CALLS}
				WHERE enrolled AND NOT shadow AND experiment != ''
				GROUP BY experiment, iteration, variant
				ORDER BY experiment, iteration, variant`,
			}),
		);
}
