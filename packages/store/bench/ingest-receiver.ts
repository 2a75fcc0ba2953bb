/**
 * The receiver that `ingest.ts` measures, in a process of its own: ours as the service runs it, or the obvious one that
 * decodes to objects and inserts JSONEachRow as it comes.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { resourceUsage } from "node:process";
import { decodeTraces, type EncodedRows, type OtlpContentType, openStore, type TraceRow } from "@armspan/store";
import { createChdbConnection } from "chdb/connection";
import { IngestBuffer } from "../../service/src/ingest/ingest-buffer.ts";
import { createOtlpReceiver } from "../../service/src/ingest/otlp-receiver.ts";

const [mode, path] = process.argv.slice(2) as ["armspan" | "naive", string];
const store = await openStore({ kind: "embedded", path });
await store.migrate();
let inserts = 0;
let close: () => Promise<unknown>;
let port: number;

if (mode === "armspan") {
	const silent = { level: "silent", child: () => silent } as never;
	for (const level of ["fatal", "error", "warn", "info", "debug", "trace", "silent"]) {
		(silent as Record<string, unknown>)[level] = level === "error" ? console.error : () => {};
	}
	const insert = async (batches: EncodedRows[]) => {
		inserts += 1;
		await store.insertEncoded(batches);
	};
	const traces = new IngestBuffer<EncodedRows>({ insert, delayMs: 200 });
	const logs = new IngestBuffer<EncodedRows>({ insert, delayMs: 200 });
	const app = createOtlpReceiver({ traces, logs, token: undefined, logger: silent });
	await app.listen({ host: "127.0.0.1", port: 0 });
	({ port } = app.server.address() as AddressInfo);
	close = async () => {
		await Promise.all([app.close(), traces.close(), logs.close()]);
	};
} else {
	const engine = createChdbConnection({ path }).chdb;
	const waiting: { rows: TraceRow[]; done: () => void }[] = [];
	let running = false;
	const insertWaiting = async () => {
		running = true;
		for (;;) {
			const batch = waiting.splice(0);
			if (batch.length === 0) break;
			inserts += 1;
			const lines = batch.flatMap(({ rows }) => rows.map((row) => JSON.stringify(plain(row))));
			await engine.rawInsert({
				...{ table: "otel_traces", format: "JSONEachRow", values: Buffer.from(lines.join("\n")) },
				settings: { async_insert: 0, max_partitions_per_insert_block: 0 },
			});
			for (const { done } of batch) done();
		}
		running = false;
	};
	const server = createServer(async (request, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk);
		const { rows } = decodeTraces(Buffer.concat(chunks), request.headers["content-type"] as OtlpContentType);
		const committed = new Promise<void>((done) => waiting.push({ rows, done }));
		if (!running) void insertWaiting();
		await committed;
		response.end();
	}).listen(0, "127.0.0.1");
	await new Promise((resolve) => server.once("listening", resolve));
	({ port } = server.address() as AddressInfo);
	close = async () => server.close();
}

/** A row as JSONEachRow takes it. */
function plain({ Events, Links, ...row }: TraceRow) {
	return {
		...row,
		ResourceAttributes: Object.fromEntries(row.ResourceAttributes),
		SpanAttributes: Object.fromEntries(row.SpanAttributes),
		"Events.Timestamp": Events.map((event) => event.Timestamp),
		"Events.Name": Events.map((event) => event.Name),
		"Events.Attributes": Events.map((event) => Object.fromEntries(event.Attributes)),
		"Links.TraceId": Links.map((link) => link.TraceId),
		"Links.SpanId": Links.map((link) => link.SpanId),
		"Links.TraceState": Links.map((link) => link.TraceState),
		"Links.Attributes": Links.map((link) => Object.fromEntries(link.Attributes)),
	};
}

process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}/v1/traces` })}\n`);
process.once("SIGTERM", async () => {
	const { userCPUTime, systemCPUTime, maxRSS } = resourceUsage();
	const cpuSeconds = (userCPUTime + systemCPUTime) / 1e6;
	await close();
	const { traces, calls } = await store.counts();
	process.stdout.write(
		`${JSON.stringify({ cpuSeconds, maxRssMb: Math.round(maxRSS / 1000), inserts, traces, calls })}\n`,
	);
	await store.close();
});
