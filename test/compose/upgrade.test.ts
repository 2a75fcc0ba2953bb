import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@armspan/store";
import { afterEach, expect, test } from "vitest";
import { MIGRATIONS } from "../../packages/store/src/migrate.ts";
import { migrationDigest, recordedSql } from "../../packages/store/src/migration-sql.ts";
import { statements } from "../../packages/store/src/sql-file.ts";
import { ClickHouseServer, serverUnavailable } from "../conformance/clickhouse-server.ts";

const ROWS = 20;
/** Batches before the upgrade begins, and after it has ended. */
const BATCHES = 15;

const unavailable = serverUnavailable();
if (unavailable !== undefined) process.stderr.write(`\nSKIPPED: an upgrade under load: ${unavailable}\n`);

const undo: (() => unknown)[] = [];
afterEach(async () => {
	for (const step of undo.splice(0).reverse()) await step();
});

test
	.skipIf(unavailable !== undefined)
	.each(["0003-decisions.sql", "0005-erasures.sql", "0010-landed-before.sql"] as const)(
	"a database as it was after %s is migrated while a Collector inserts, and not a row is lost",
	{ timeout: 120_000 },
	async (last) => {
		const folder = mkdtempSync(join(tmpdir(), "armspan-upgrade-"));
		undo.push(() => rmSync(folder, { recursive: true, force: true }));
		const server = await ClickHouseServer.start(folder);
		undo.push(() => server.stop());
		await earlier(server, last);
		const store = await openStore({ kind: "server", url: server.url });
		undo.push(() => store.close());

		let sent = 0;
		let stopped = false;
		const inserting = (async () => {
			while (!stopped) {
				await insertUntilTaken(server, "otel_traces", sent, spanRow);
				await insertUntilTaken(server, "otel_logs", sent, exposureRow);
				await insertUntilTaken(server, "otel_logs", sent, feedbackRow);
				sent += ROWS;
			}
		})();
		const reached = async (count: number) => {
			while (sent < count) await new Promise((resolve) => setTimeout(resolve, 20));
		};
		await reached(BATCHES * ROWS);
		const before = sent;
		expect((await store.migrate()).length).toBe(MIGRATIONS.length - MIGRATIONS.indexOf(last) - 1);
		expect(sent).toBeGreaterThan(before);
		await reached(sent + BATCHES * ROWS);
		stopped = true;
		await inserting;

		expect(await store.counts()).toMatchObject({ calls: sent, exposures: sent, evaluations: sent, quarantined: 0 });
		const arms = await server.run(
			"SELECT variant, count(), uniqExact(unit_id) FROM calls FINAL WHERE environment = 'production' GROUP BY variant ORDER BY variant",
		);
		expect(arms).toBe(`control\t${sent / 2}\t${sent / 2}\nfriendly\t${sent / 2}\t${sent / 2}\n`);
	},
);

/** What an Armspan whose newest migration was that one left behind. */
async function earlier(server: ClickHouseServer, last: (typeof MIGRATIONS)[number]): Promise<void> {
	await server.run(
		"CREATE TABLE armspan_migrations (name String, digest String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = MergeTree ORDER BY name",
	);
	for (const name of MIGRATIONS.slice(0, MIGRATIONS.indexOf(last) + 1)) {
		for (const statement of statements(recordedSql(name))) await server.run(statement);
		await server.run(`INSERT INTO armspan_migrations (name, digest) VALUES ('${name}', '${migrationDigest(name)}')`);
	}
}

/** As the Collector does: what is refused is sent again until it is taken. */
async function insertUntilTaken(
	server: ClickHouseServer,
	table: string,
	from: number,
	row: (number: number) => object,
): Promise<void> {
	const rows = Array.from({ length: ROWS }, (_, index) => JSON.stringify(row(from + index))).join("\n");
	for (;;) {
		const query = encodeURIComponent(`INSERT INTO ${table} FORMAT JSONEachRow`);
		const response = await fetch(`${server.url}/?query=${query}`, { method: "POST", body: rows });
		await response.arrayBuffer();
		if (response.ok) return;
	}
}

const assigned = (number: number) => ({
	"gen_ai.prompt.name": "support-reply",
	"gen_ai.prompt.version": "1.0.0",
	"feature_flag.result.variant": `tone.${number % 2 === 0 ? "control" : "friendly"}`,
	"armspan.experiment": "tone",
	"armspan.iteration": "1",
	"armspan.enrolled": "true",
	"armspan.unit.type": "user",
	"armspan.unit.id": `user-${number}`,
	"armspan.routing.revision": "1",
});
const hex = (number: number, digits: number) => (number + 1).toString(16).padStart(digits, "0");
const now = () => `${Math.floor(Date.now() / 1000)}.000000000`;

const spanRow = (number: number) => ({
	Timestamp: now(),
	TraceId: hex(number, 32),
	SpanId: hex(number, 16),
	SpanName: "chat m",
	ServiceName: "bot",
	Duration: 1_000_000_000,
	StatusCode: "Unset",
	ResourceAttributes: { "deployment.environment.name": "production" },
	SpanAttributes: { ...assigned(number), "gen_ai.operation.name": "chat" },
});
const logRow = (number: number, event: string, attributes: object) => ({
	Timestamp: now(),
	TraceId: hex(number, 32),
	SpanId: hex(number, 16),
	ServiceName: "bot",
	EventName: event,
	ResourceAttributes: { "deployment.environment.name": "production" },
	LogAttributes: { ...assigned(number), "armspan.event.id": `${event}-${number}`, ...attributes },
});
const exposureRow = (number: number) =>
	logRow(number, "feature_flag.evaluation", { "feature_flag.key": "support-reply" });
const feedbackRow = (number: number) =>
	logRow(number, "gen_ai.evaluation.result", {
		"gen_ai.evaluation.name": "feedback",
		"gen_ai.evaluation.score.value": "1",
		"armspan.evaluation.kind": "feedback",
	});
