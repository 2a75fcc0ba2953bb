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
 * `{{#embedded}}…{{/embedded}}`, `{{#server}}…{{/server}}` are kept or left out as a whole, and cannot be nested.
 * `{{#superseded}}…{{/superseded}}`, which may hold those, is left out: it ran until a later migration did its work
 * again or undid it, and is only part of what the migration is recognized by.
 */
export function migrationSql(name: string, cluster?: ClusterOptions, embedded = false): string {
	return substituted(name, { cluster: cluster !== undefined, embedded, server: !embedded, superseded: false }, cluster);
}

function substituted(
	name: string,
	kept: Readonly<Record<"cluster" | "embedded" | "server" | "superseded", boolean>>,
	cluster?: ClusterOptions,
): string {
	const replicated = cluster !== undefined && cluster.replicated !== false;
	const values: Readonly<Record<string, string>> = {
		cluster: cluster === undefined ? "" : clusterName(cluster),
		local: cluster === undefined ? "" : LOCAL_SUFFIX,
		on_cluster: onCluster(cluster),
		// with Keeper one process does it for all shards, without it each node for itself
		of_node: cluster !== undefined && !replicated ? LOCAL_SUFFIX : "",
		replicated: replicated ? "Replicated" : "",
		// the server fills in shard, replica, database and table
		replica: replicated ? "('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')" : "",
	};
	return sqlFile("migrations", name)
		.replace(/\{\{include ([^\s}]+)\}\}/g, (_, file: string) => sqlFile("migrations", file))
		.replace(/\{\{#superseded\}\}([\s\S]*?)\{\{\/superseded\}\}/g, (_, text: string) => (kept.superseded ? text : ""))
		.replace(
			/\{\{#(cluster|embedded|server)\}\}([\s\S]*?)\{\{\/\1\}\}/g,
			(_, where: Exclude<keyof typeof kept, "superseded">, text: string) => (kept[where] ? text : ""),
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

/** All that a migration ever ran on one server, with what is superseded by now. */
export function recordedSql(name: string): string {
	return substituted(name, { cluster: false, embedded: false, server: true, superseded: true });
}

/** What a migration is recognized by: its text for one server, whatever it runs on. */
export function migrationDigest(name: string): string {
	return createHash("sha256").update(recordedSql(name)).digest("hex");
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
