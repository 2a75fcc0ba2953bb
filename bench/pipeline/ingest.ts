/**
 * Spans per second into the same engine, in one run: the service's own receiver, and the gateway Collector before a
 * ClickHouse server. Counted until everything is stored: the Collector acknowledges what its queue has.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openStore } from "@armspan/store";
import { ClickHouseServer } from "../../test/conformance/clickhouse-server.ts";
import { Collector } from "../../test/pipeline/collector.ts";

const [seconds = "15", connections = "16", spansPerBody = "512"] = process.argv.slice(2);
const STORE_BENCH = fileURLToPath(new URL("../../packages/store/bench/", import.meta.url));

/** What people run who only set what must be set: in memory, no processors but the limiter. */
const BARE = [
	"--set=exporters.clickhouse.sending_queue.storage=null",
	"--set=service.extensions=[health_check]",
	"--set=service.pipelines.traces.processors=[memory_limiter]",
];

await embedded();
await collector("gateway, as shipped", []);
await collector("gateway, queue in memory, no processors", BARE);

async function embedded(): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), "armspan-bench-pipeline-"));
	const receiver = start("ingest-receiver.ts", "armspan", folder);
	const lines = createInterface({ input: receiver.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
	const { url } = JSON.parse((await lines.next()).value as string);
	const begin = performance.now();
	const sent = await generate(url);
	const elapsedMs = performance.now() - begin;
	receiver.kill("SIGTERM");
	const served = JSON.parse((await lines.next()).value as string);
	report("embedded receiver", { sent, elapsedMs, cpuSeconds: served.cpuSeconds, stored: served.traces });
	rmSync(folder, { recursive: true });
}

async function collector(name: string, args: readonly string[]): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), "armspan-bench-pipeline-"));
	const server = await ClickHouseServer.start(join(folder, "clickhouse"));
	const store = await openStore({ kind: "server", url: server.url });
	await store.migrate();
	const gateway = await Collector.start({
		kind: "gateway",
		folder: join(folder, "gateway"),
		env: { CLICKHOUSE_ENDPOINT: server.nativeUrl },
		args,
	});
	try {
		const idle = cpuSeconds(gateway.pid) + cpuSeconds(server.pid);
		const begin = performance.now();
		const sent = await generate(`${gateway.otlpUrl}/v1/traces`);
		while ((await gateway.metric("otelcol_exporter_sent_spans")) < sent) {
			await new Promise((resolve) => setTimeout(resolve, 100));
		}
		const elapsedMs = performance.now() - begin;
		const busy = cpuSeconds(gateway.pid) + cpuSeconds(server.pid) - idle;
		report(name, { sent, elapsedMs, cpuSeconds: busy, stored: (await store.counts()).traces });
	} finally {
		await store.close();
		await gateway.stop("SIGKILL");
		server.stop();
		await server.stopped();
		rmSync(folder, { recursive: true });
	}
}

function report(
	name: string,
	{ sent, elapsedMs, cpuSeconds: cpu, stored }: { sent: number; elapsedMs: number; cpuSeconds: number; stored: number },
): void {
	console.log(
		JSON.stringify({
			case: name,
			spansPerSecond: Math.round((sent * 1000) / elapsedMs),
			cpuUsPerSpan: Number(((cpu * 1e6) / sent).toFixed(1)),
			...{ sent, stored },
			load: loadavg()[0]?.toFixed(1),
		}),
	);
}

/** @returns how many spans were acknowledged */
async function generate(url: string): Promise<number> {
	const generator = start("ingest-generator.ts", url, "protobuf", "none", connections, spansPerBody, seconds);
	let output = "";
	for await (const chunk of generator.stdout as NodeJS.ReadableStream) output += chunk;
	return (JSON.parse(output) as { spans: number }).spans;
}

function start(program: string, ...args: string[]): ChildProcess {
	return spawn(process.execPath, ["--conditions=armspan-source", join(STORE_BENCH, program), ...args], {
		stdio: ["ignore", "pipe", "inherit"],
	});
}

/** Of a process so far; clock ticks are a hundredth of a second on Linux. */
function cpuSeconds(pid: number): number {
	const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
		.replace(/^.*\) /, "")
		.split(" ");
	return (Number(fields[11]) + Number(fields[12])) / 100;
}
