import {
	AnnotationQueryBuilder,
	// biome-ignore lint/suspicious/noDeprecatedImports: every Grafana provisions the classic model from files; v2 needs 12
	DashboardBuilder,
	DashboardCursorSync,
	DashboardLinkBuilder,
	DashboardLinkType,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { CHOSEN_SOURCE, ClickHouseQuery } from "./clickhouse-query.ts";

const TAG = "armspan";

/** What all dashboards share: links to each other that keep time and variables. */
export function dashboard(uid: string, title: string, description: string): DashboardBuilder {
	return new DashboardBuilder(title)
		.uid(uid)
		.description(description)
		.tags([TAG])
		.timezone("utc")
		.readonly()
		.refresh("1m")
		.tooltip(DashboardCursorSync.Crosshair)
		.link(
			new DashboardLinkBuilder("Armspan")
				.type(DashboardLinkType.Dashboards)
				.tags([TAG])
				.asDropdown(true)
				.includeVars(true)
				.keepTime(true),
		);
}

/** Marks of moments; columns are `time`, `text` and `tags`. */
export function annotation(name: string, iconColor: string, sql: string): AnnotationQueryBuilder {
	return new AnnotationQueryBuilder()
		.name(name)
		.datasource(CHOSEN_SOURCE)
		.enable(true)
		.iconColor(iconColor)
		.target(new ClickHouseQuery(sql, "table"));
}

/** Decisions about experiments of the environment, narrowed by a condition. */
export const decisions = (condition: string): AnnotationQueryBuilder =>
	annotation(
		"Decisions",
		"red",
		`
		SELECT decided_at AS time, concat(kind, ' ', experiment, ': ', reason) AS text, toString(kind) AS tags
		FROM decisions
		WHERE environment IN ('', \${environment:sqlstring}) AND $__timeFilter(decided_at) AND ${condition}
		ORDER BY decided_at, id
		LIMIT 1 BY id, environment`,
	);
