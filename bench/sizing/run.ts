// What evidence takes on disk: bytes and rows per call in each table, and what that makes of a day's calls.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { decodeLogs, decodeTraces, openStore } from "@armspan/store";
import { ClickHouseServer } from "../../test/conformance/clickhouse-server.ts";
import { otlpBodies, plannedCalls } from "./traffic.ts";

const { values } = parseArgs({
	options: {
		calls: { type: "string", default: "1000000" },
		days: { type: "string", default: "30" },
		batch: { type: "string", default: "5000" },
	},
});
const [calls, days, batch] = [Number(values.calls), Number(values.days), Number(values.batch)];
const RETENTION_DAYS = { landing: 30, evidence: 400 };
const GB = 1e9;

interface TableSize {
	readonly table: string;
	readonly rows: number;
	readonly bytes: number;
	/** As inserted, before merges had finished. */
	readonly bytesBeforeMerges: number;
}

const folder = mkdtempSync(join(tmpdir(), "armspan-sizing-"));
const server = await ClickHouseServer.start(folder);
try {
	report(await measure(), await largestColumns("calls"));
} finally {
	server.stop();
	await server.stopped();
	rmSync(folder, { recursive: true, force: true });
}

async function measure(): Promise<TableSize[]> {
	const store = await openStore({ kind: "server", url: server.url });
	await store.migrate();
	let group: Parameters<typeof otlpBodies>[0][number][] = [];
	const insert = async () => {
		const { traces, logs } = otlpBodies(group);
		await store.insertTraces(decodeTraces(traces, "application/json").rows);
		await store.insertLogs(decodeLogs(logs, "application/json").rows);
		group = [];
	};
	for (const call of plannedCalls(calls, days, Date.now())) {
		group.push(call);
		if (group.length === batch) await insert();
	}
	if (group.length > 0) await insert();
	await store.close();
	const before = new Map((await sizes()).map(({ table, bytes }) => [table, bytes]));
	for (const { table } of await sizes()) await server.run(`OPTIMIZE TABLE default.${table} FINAL`);
	return (await sizes()).map((size) => ({ ...size, bytesBeforeMerges: before.get(size.table) ?? 0 }));
}

async function sizes(): Promise<Omit<TableSize, "bytesBeforeMerges">[]> {
	const lines = await server.run(`
		SELECT table, sum(rows), sum(bytes_on_disk) FROM system.parts
		WHERE active AND database = 'default' GROUP BY table HAVING sum(rows) > 1000 ORDER BY table FORMAT TSV`);
	return lines
		.trim()
		.split("\n")
		.map((line) => {
			const [table = "", rows, bytes] = line.split("\t");
			return { table, rows: Number(rows), bytes: Number(bytes) };
		});
}

/** The columns that most of a table's bytes are of, as `name bytes per row`. */
async function largestColumns(table: string): Promise<string[]> {
	const lines = await server.run(`
		SELECT column, sum(column_bytes_on_disk) / sum(rows) AS bytes FROM system.parts_columns
		WHERE active AND database = 'default' AND table = '${table}' GROUP BY column ORDER BY bytes DESC LIMIT 6 FORMAT TSV`);
	return lines
		.trim()
		.split("\n")
		.map((line) => {
			const [column, bytes] = line.split("\t");
			return `\`${column}\` ${Number(bytes).toFixed(1)}`;
		});
}

function report(tables: readonly TableSize[], columns: readonly string[]): void {
	const kindOf = (table: string) => (table.startsWith("otel_") ? "landing" : "evidence");
	const lines = [
		`${calls.toLocaleString("en")} calls over ${days} days, ${batch.toLocaleString("en")} a batch:`,
		"",
		"| table | | rows per call | bytes per row | bytes per call, merged | before merges |",
		"|---|---|---|---|---|---|",
		...tables.map(
			({ table, rows, bytes, bytesBeforeMerges }) =>
				`| \`${table}\` | ${kindOf(table)} | ${(rows / calls).toFixed(2)} | ${(bytes / rows).toFixed(0)} | ${(bytes / calls).toFixed(0)} | ${(bytesBeforeMerges / calls).toFixed(0)} |`,
		),
	];
	const perCall = (kind: string) =>
		tables.filter(({ table }) => kindOf(table) === kind).reduce((sum, { bytes }) => sum + bytes, 0) / calls;
	const [landing, evidence] = [perCall("landing"), perCall("evidence")];
	lines.push(
		"",
		`Landing ${landing.toFixed(0)}, evidence ${evidence.toFixed(0)} bytes per call. Of \`calls\`: ${columns.join(", ")}.`,
		"",
		`| calls a day | rows a day | new GB a month | landing, ${RETENTION_DAYS.landing} days, GB | evidence, ${RETENTION_DAYS.evidence} days, GB | together, GB |`,
		"|---|---|---|---|---|---|",
	);
	const rowsPerCall = tables.reduce((sum, { rows }) => sum + rows, 0) / calls;
	for (const daily of [1_000, 10_000, 100_000, 1_000_000]) {
		const kept = [landing * RETENTION_DAYS.landing, evidence * RETENTION_DAYS.evidence].map(
			(bytes) => (bytes * daily) / GB,
		);
		const month = ((landing + evidence) * 30 * daily) / GB;
		const cells = [month, ...kept, kept[0]! + kept[1]!].map((gigabytes) => Number(gigabytes.toPrecision(2)));
		lines.push(
			`| ${daily.toLocaleString("en")} | ${Math.round(rowsPerCall * daily).toLocaleString("en")} | ${cells.join(" | ")} |`,
		);
	}
	process.stdout.write(`${lines.join("\n")}\n`);
}
