/**
 * The demo in production's shape: application → Collector agent → Collector gateway → ClickHouse server ← service.
 *
 *     npm run demo:pipeline                # goes on until Ctrl-C
 *     npm run demo:pipeline -- --exit      # ends when the loop has closed: 0, or 1 when it has not
 *
 * The Collectors run the files of collector-config/; the server is made of the library that the embedded store uses.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { CliError } from "../../packages/cli/src/cli-error.ts";
import { runDemo } from "../../packages/cli/src/demo/run-demo.ts";
import { serverUnavailable } from "../conformance/clickhouse-server.ts";
import { collectorUnavailable } from "./collector.ts";
import { Pipeline } from "./pipeline.ts";

const { values } = parseArgs({
	options: {
		exit: { type: "boolean", default: false },
		seed: { type: "string", default: "1" },
		data: { type: "string", default: "data/demo-pipeline" },
		report: { type: "string" },
	},
});

async function main(): Promise<number> {
	const unavailable = serverUnavailable() ?? collectorUnavailable();
	if (unavailable !== undefined) {
		process.stderr.write(`the demo of the pipeline cannot run: ${unavailable}\n`);
		return 2;
	}
	const data = resolve(values.data);
	const folder = join(data, "pipeline");
	// Queues and evidence of an earlier run would be this run's.
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(folder, { recursive: true });
	const pipeline = await Pipeline.start(folder);
	process.stdout.write(
		[
			"application → agent → gateway → ClickHouse, each a process of its own",
			`  agent      ${pipeline.agent.otlpUrl} (OTLP/HTTP)`,
			`  gateway    ${pipeline.gateway.grpcAddress} (OTLP/gRPC)`,
			`  ClickHouse ${pipeline.server.url}, ${pipeline.server.nativeUrl}`,
			`  queues and logs in ${folder}`,
			"",
		].join("\n"),
	);
	try {
		await runDemo({
			data,
			store: { kind: "server", url: pipeline.server.url },
			otlpEndpoint: pipeline.agent.otlpUrl,
			host: "127.0.0.1",
			otlpPort: 0,
			apiPort: 0,
			checkEveryMs: 1000,
			seed: Number(values.seed),
			exit: values.exit,
			...(values.report === undefined ? {} : { report: resolve(values.report) }),
		});
		return 0;
	} catch (error) {
		if (!(error instanceof CliError)) throw error;
		process.stderr.write(`${error.message}\n`);
		return 1;
	} finally {
		await pipeline.stop();
	}
}

process.exitCode = await main();
