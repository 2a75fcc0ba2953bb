import { createHash } from "node:crypto";
import { sqlFile } from "./sql-file.ts";
import type { ClusterOptions } from "./store.ts";
import { StoreError } from "./store-error.ts";

/** Where a table that is spread over a cluster keeps its rows on each node; the name itself is the Distributed table. */
export const LOCAL_SUFFIX = "_local";

/**
 * SQL of a migration for one server, or for a cluster: every table `t` becomes `t_local` on each node, Replicated
 * unless told otherwise, and a Distributed `t` over them.
 *
 * `{{name}}` is replaced, `{{include file}}` stands for a file of `migrations/`, and `{{#cluster}}…{{/cluster}}`,
 * `{{#single}}…{{/single}}`, `{{#embedded}}…{{/embedded}}` are kept or left out as a whole.
 */
export function migrationSql(name: string, cluster?: ClusterOptions, embedded = false): string {
	const replicated = cluster !== undefined && cluster.replicated !== false;
	const values: Readonly<Record<string, string>> = {
		cluster: cluster === undefined ? "" : clusterName(cluster),
		local: cluster === undefined ? "" : LOCAL_SUFFIX,
		on_cluster: onCluster(cluster),
		replicated: replicated ? "Replicated" : "",
		// the server fills in shard, replica, database and table
		replica: replicated ? "('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')" : "",
	};
	const kept = { single: cluster === undefined, cluster: cluster !== undefined, embedded };
	return sqlFile("migrations", name)
		.replace(/\{\{include (\S+)\}\}/g, (_, file: string) => sqlFile("migrations", file))
		.replace(
			/\{\{#(single|cluster|embedded)\}\}([\s\S]*?)\{\{\/\1\}\}/g,
			(_, where: keyof typeof kept, text: string) => (kept[where] ? text : ""),
		)
		.replace(/\{\{(\w+)\}\}/g, (placeholder, key: string) => {
			const value = values[key];
			if (value === undefined) {
				throw new StoreError("MIGRATION_FAILED", `unknown placeholder ${placeholder} in migration ${name}`, {
					migration: name,
				});
			}
			return value;
		});
}

/** ` ON CLUSTER …`, or nothing where each node is told by itself. */
export function onCluster(cluster: ClusterOptions | undefined): string {
	return cluster === undefined || cluster.replicated === false ? "" : ` ON CLUSTER '${clusterName(cluster)}'`;
}

/** What a migration is recognized by: its text for one server, whatever it runs on. */
export function migrationDigest(name: string): string {
	return createHash("sha256").update(migrationSql(name)).digest("hex");
}

function clusterName({ name }: ClusterOptions): string {
	if (!/^[A-Za-z0-9_.-]{1,100}$/.test(name)) {
		throw new StoreError(
			"STORE_UNAVAILABLE",
			`invalid cluster ${JSON.stringify(name)}; expected letters, digits, '_', '.' or '-', as in remote_servers of the server's configuration`,
			{ cluster: name },
		);
	}
	return name;
}
