import {
	DatasourceVariableBuilder,
	QueryVariableBuilder,
	VariableRefresh,
	VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { CHOSEN_SOURCE, CLICKHOUSE } from "./clickhouse-query.ts";

/**
 * In statements variables stand as `${name:sqlstring}`, which quotes them. Names that come from spans are offered only
 * where they look like names: what anybody may send as a prompt's name is no text for a statement.
 */
const NAME = "'^[A-Za-z0-9][A-Za-z0-9._/-]*$'";

export const datasource = () =>
	new DatasourceVariableBuilder("datasource").label("Evidence").type(CLICKHOUSE).multi(false).includeAll(false);

/** Environments with an experiment at any time, or with calls in the last 30 days: of calls the index over arrival is read. */
export const environment = () =>
	queryVariable("environment", "Environment").query(
		`SELECT environment FROM (SELECT DISTINCT environment FROM snapshots UNION DISTINCT SELECT DISTINCT environment FROM calls WHERE arrived_at > now() - INTERVAL 30 DAY) WHERE match(environment, ${NAME}) ORDER BY environment`,
	);

export const experiment = () =>
	queryVariable("experiment", "Experiment").query(
		"SELECT experiment FROM snapshots WHERE environment = ${environment:sqlstring} GROUP BY experiment ORDER BY max(look_at) DESC",
	);

export const iteration = () =>
	queryVariable("iteration", "Iteration").query(
		"SELECT DISTINCT toString(iteration) AS number FROM snapshots WHERE environment = ${environment:sqlstring} AND experiment = ${experiment:sqlstring} ORDER BY toUInt32(number) DESC",
	);

export const treatment = () =>
	queryVariable("treatment", "Treatment").query(
		"SELECT DISTINCT variant FROM snapshots WHERE environment = ${environment:sqlstring} AND experiment = ${experiment:sqlstring} AND iteration = ${iteration:sqlstring} AND arm = 'treatment' ORDER BY variant",
	);

/** All of them, each in a row of its own. */
export const metric = () =>
	queryVariable("metric", "Metrics")
		.query(
			"SELECT metric FROM snapshots WHERE environment = ${environment:sqlstring} AND experiment = ${experiment:sqlstring} AND iteration = ${iteration:sqlstring} GROUP BY metric ORDER BY min(indexOf(['primary', 'guardrail', 'secondary'], role)), metric",
		)
		.multi(true)
		.includeAll(true)
		.current({ selected: true, text: "All", value: "$__all" });

export const prompt = () =>
	queryVariable("prompt", "Prompt").query(
		`SELECT prompt_name FROM calls WHERE environment IN ('', \${environment:sqlstring}) AND match(prompt_name, ${NAME}) GROUP BY prompt_name ORDER BY max(started_at) DESC LIMIT 500`,
	);

function queryVariable(name: string, label: string): QueryVariableBuilder {
	return (
		new QueryVariableBuilder(name)
			.label(label)
			.datasource(CHOSEN_SOURCE)
			// a range that ends now changes at every refresh, and lists of names are read from whole tables
			.refresh(VariableRefresh.OnDashboardLoad)
			.sort(VariableSort.Disabled)
			.multi(false)
			.includeAll(false)
	);
}
