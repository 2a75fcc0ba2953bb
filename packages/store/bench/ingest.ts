/** How many spans per second are acknowledged over OTLP/HTTP, each after its commit; generator and receiver are processes. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const [seconds = "15", spansPerBody = "512", connections = "64", only] = process.argv.slice(2);

const CASES = [
	{ receiver: "armspan", encoding: "protobuf", compression: "none" },
	{ receiver: "armspan", encoding: "protobuf", compression: "gzip" },
	{ receiver: "armspan", encoding: "json", compression: "none" },
	{ receiver: "naive", encoding: "protobuf", compression: "none" },
];

for (const { receiver, encoding, compression } of CASES) {
	const name = `${receiver} ${encoding} ${compression}`;
	if (only !== undefined && !name.includes(only)) continue;
	const folder = mkdtempSync(join(tmpdir(), "armspan-bench-"));
	const server = start("ingest-receiver.ts", receiver, folder);
	const serverLines = createInterface({ input: server.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
	const line = async () => JSON.parse((await serverLines.next()).value as string);
	const { url } = await line();
	const startedCpu = cpuSeconds(server.pid as number);
	const generator = start("ingest-generator.ts", url, encoding, compression, connections, spansPerBody, seconds);
	let output = "";
	for await (const chunk of generator.stdout as NodeJS.ReadableStream) output += chunk;
	const sent = JSON.parse(output);
	server.kill("SIGTERM");
	const served = await line();
	await new Promise((resolve) => server.once("close", resolve));
	const perSpan = (cpu: number) => Number(((cpu * 1e6) / sent.spans).toFixed(1));
	console.log(
		JSON.stringify({
			case: name,
			spansPerSecond: Math.round(sent.spans / sent.elapsedSeconds),
			receiverCpuUsPerSpan: perSpan(served.cpuSeconds - startedCpu),
			generatorCpuUsPerSpan: perSpan(sent.cpuSeconds),
			generatorShareOfCores: Number((sent.cpuSeconds / sent.elapsedSeconds / 2).toFixed(2)),
			rowsPerInsert: Math.round(served.traces / served.inserts),
			insertsPerSecond: Number((served.inserts / sent.elapsedSeconds).toFixed(1)),
			receiverMaxRssMb: served.maxRssMb,
			...{ statuses: sent.statuses, stored: served.traces, calls: served.calls },
			load: loadavg()[0]?.toFixed(1),
		}),
	);
	rmSync(folder, { recursive: true });
}

function start(program: string, ...args: string[]): ChildProcess {
	const file = fileURLToPath(new URL(program, import.meta.url));
	return spawn(process.execPath, ["--conditions=armspan-source", file, ...args], {
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
