import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import type { DataSourceRef } from "@grafana/grafana-foundation-sdk/common";

export const CLICKHOUSE = "grafana-clickhouse-datasource";

/** The data source that a dashboard's reader has chosen. */
export const CHOSEN_SOURCE: DataSourceRef = { type: CLICKHOUSE, uid: "${datasource}" };

/** Columns become series by their text columns, or stay a table. */
type QueryShape = "timeseries" | "table";

/** A statement in the model of `grafana-clickhouse-datasource` 4; without `pluginVersion` it would be migrated from 3. */
export class ClickHouseQuery implements Builder<Dataquery> {
	readonly #rawSql: string;
	readonly #shape: QueryShape;
	readonly #datasource: DataSourceRef;

	constructor(rawSql: string, shape: QueryShape, datasource: DataSourceRef = CHOSEN_SOURCE) {
		this.#rawSql = trimmed(rawSql);
		this.#shape = shape;
		this.#datasource = datasource;
	}

	build(): Dataquery {
		const model = {
			refId: "A",
			datasource: this.#datasource,
			editorType: "sql",
			format: this.#shape === "timeseries" ? 0 : 1,
			pluginVersion: "4.0.0",
			queryType: this.#shape,
			rawSql: this.#rawSql,
		};
		// The SDK marks queries by a method, which JSON leaves out.
		return { ...model, _implementsDataqueryVariant() {} };
	}
}

/** Takes away the indentation that a statement has in its source. */
function trimmed(sql: string): string {
	const lines = sql.replace(/^\n/, "").trimEnd().split("\n");
	const indents = lines.filter((line) => line.trim() !== "").map((line) => /^\t*/.exec(line)?.[0].length ?? 0);
	const indent = Math.min(...indents);
	return lines.map((line) => line.slice(indent).replaceAll("\t", "    ")).join("\n");
}
