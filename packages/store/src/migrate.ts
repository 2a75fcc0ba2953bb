import type { Connection } from "./connection.ts";
import { adoptLandingTables } from "./landing-tables.ts";
import { migrationDigest, migrationSql, onCluster } from "./migration-sql.ts";
import { statements } from "./sql-file.ts";
import type { ClusterOptions } from "./store.ts";
import { StoreError } from "./store-error.ts";

/** In the order in which they run; never edited once released, only added to. */
export const MIGRATIONS = [
	"0001-otel-landing.sql",
	"0002-evidence.sql",
	"0003-decisions.sql",
	"0004-environment.sql",
	"0005-erasures.sql",
	"0006-cheaper-inserts.sql",
	"0007-unit-sums.sql",
	"0008-segments.sql",
	"0009-snapshots.sql",
	"0010-landed-before.sql",
	"0011-compact-calls.sql",
	"0012-seal-totals.sql",
] as const;

/** What a statement says that finds a table gone which was there when it began. */
const TABLE_WENT = /UNKNOWN_TABLE|TABLE_IS_DROPPED|Table .+ (?:does not exist|is dropped)/;
const ATTEMPTS = 3;
const RETRY_MS = 500;

/** Which migrations ran. All nodes of a cluster keep one ledger; without Keeper each node has its own. */
function createLedger(cluster: ClusterOptions | undefined): string {
	const engine =
		onCluster(cluster) === ""
			? "MergeTree"
			: "ReplicatedMergeTree('/clickhouse/tables/all/{database}/{table}', '{shard}-{replica}')";
	return `CREATE TABLE IF NOT EXISTS armspan_migrations${onCluster(cluster)}
(name String, digest String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = ${engine} ORDER BY name`;
}

/**
 * Runs the migrations that have not run here, oldest first.
 *
 * Several processes may do this at once, and any of them may be killed: every statement may run again at any later
 * time, after any later statement, and changes nothing (`migrate-overtaken.test.ts` holds each to that).
 * @returns names of those that ran
 * @throws {StoreError} MIGRATION_MISMATCH, MIGRATION_FAILED, SCHEMA_UNSUPPORTED
 */
export async function migrate(connection: Connection, cluster?: ClusterOptions): Promise<string[]> {
	await attempted("landing", () => adoptLandingTables(connection, cluster));
	await run(connection, "ledger", createLedger(cluster));
	const applied = await attempted("ledger", () =>
		connection.query<{ name: string; digest: string }>(
			"SELECT name, any(digest) AS digest FROM armspan_migrations GROUP BY name",
		),
	);
	const digests = new Map(applied.map(({ name, digest }) => [name, digest]));
	const known = new Set<string>(MIGRATIONS);
	for (const { name } of applied) {
		if (!known.has(name)) {
			throw new StoreError(
				"MIGRATION_MISMATCH",
				`the database was migrated by a newer Armspan (${name}); use that version or later`,
				{ migration: name },
			);
		}
	}
	const ran: string[] = [];
	for (const name of MIGRATIONS) {
		const digest = migrationDigest(name);
		const earlier = digests.get(name);
		if (earlier === digest) {
			continue;
		}
		if (earlier !== undefined) {
			throw new StoreError(
				"MIGRATION_MISMATCH",
				`migration ${name} was run here with other contents; migrations are never edited: restore the file, or start with an empty database`,
				{ migration: name, applied: earlier, found: digest },
			);
		}
		for (const statement of statements(migrationSql(name, cluster, connection.isEmbedded))) {
			await run(connection, name, statement, ATTEMPTS);
		}
		await run(
			connection,
			name,
			`INSERT INTO armspan_migrations (name, digest) SELECT '${name}', '${digest}' SETTINGS async_insert = 0`,
		);
		ran.push(name);
	}
	return ran;
}

/** @param attempts more than one where another process may drop a table that the statement reads */
async function run(connection: Connection, migration: string, statement: string, attempts = 1): Promise<void> {
	try {
		await attempted(migration, () => connection.command(statement));
	} catch (error) {
		if (attempts <= 1 || !(error instanceof StoreError && TABLE_WENT.test(error.message))) throw error;
		await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
		await run(connection, migration, statement, attempts - 1);
	}
}

async function attempted<Result>(migration: string, step: () => Promise<Result>): Promise<Result> {
	try {
		return await step();
	} catch (cause) {
		if (cause instanceof StoreError) {
			throw cause;
		}
		throw new StoreError(
			"MIGRATION_FAILED",
			`migration ${migration} failed: ${cause instanceof Error ? cause.message : String(cause)}`,
			{ migration },
			{ cause },
		);
	}
}
