import type { Connection } from "./connection.ts";
import { LOCAL_SUFFIX, onCluster } from "./migration-sql.ts";
import type { ClusterOptions } from "./store.ts";
import { StoreError } from "./store-error.ts";

/** Columns that older exporters did not create; they name their columns when they insert, so more of them do no harm. */
const LATER_COLUMNS: Readonly<Record<string, readonly string[]>> = {
	otel_traces: ["ScopeName String", "ScopeVersion String"],
	otel_logs: [
		"ResourceSchemaUrl LowCardinality(String)",
		"ScopeSchemaUrl LowCardinality(String)",
		"ScopeName String",
		"ScopeVersion LowCardinality(String)",
		"ScopeAttributes Map(LowCardinality(String), String)",
		"EventName String",
	],
};

/**
 * Takes over landing tables that a Collector's exporter made before Armspan came, of whichever generation, and adds
 * the columns that it did not know.
 * @throws {StoreError} SCHEMA_UNSUPPORTED for the exporter's JSON mode, and for tables of another topology
 */
export async function adoptLandingTables(connection: Connection, cluster?: ClusterOptions): Promise<void> {
	const tables = await connection.query<{ name: string; engine: string }>(
		"SELECT name, engine FROM system.tables WHERE database = currentDatabase() AND name IN ('otel_traces', 'otel_logs')",
	);
	const columns = await connection.query<{ table: string; name: string; type: string }>(
		"SELECT table, name, type FROM system.columns WHERE database = currentDatabase() AND table IN ('otel_traces', 'otel_logs')",
	);
	for (const { name: table, engine } of tables) {
		checkTopology(table, engine, cluster);
		const found = new Map(columns.filter((column) => column.table === table).map(({ name, type }) => [name, type]));
		for (const [name, type] of found) {
			if (/Attributes$/.test(name) && type.startsWith("JSON")) {
				throw new StoreError(
					"SCHEMA_UNSUPPORTED",
					`table ${table} was made by a Collector in JSON mode (${name} is ${type}); expected maps: set "json: false" in its clickhouse exporter and write to another database, or rename the table`,
					{ table, column: name, type },
				);
			}
		}
		const missing = (LATER_COLUMNS[table] ?? []).filter((column) => !found.has(column.split(" ", 1)[0] ?? ""));
		if (missing.length > 0) {
			const local = cluster === undefined ? "" : LOCAL_SUFFIX;
			const added = missing.map((column) => `ADD COLUMN IF NOT EXISTS ${column}`).join(", ");
			await connection.command(`ALTER TABLE ${table}${local}${onCluster(cluster)} ${added}`);
		}
	}
}

function checkTopology(table: string, engine: string, cluster: ClusterOptions | undefined): void {
	if ((engine === "Distributed") === (cluster !== undefined)) {
		return;
	}
	throw new StoreError(
		"SCHEMA_UNSUPPORTED",
		cluster === undefined
			? `table ${table} is spread over a cluster; name that cluster when opening the store`
			: `table ${table} is one server's (engine ${engine}), not spread over cluster ${cluster.name}; use another database for the cluster, and let the Collector's exporter create no schema`,
		{ table, engine },
	);
}
