import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { Command } from "commander";
import { clickHouseServer } from "../clickhouse-server.ts";
import { createLog } from "../log.ts";
import { untilInterrupted } from "../until-interrupted.ts";
import { integerBetween } from "./options.ts";

interface UpOptions {
	demo?: true;
	exit?: true;
	seed: number;
	report?: string;
	data: string;
	repository: string;
	environment: string;
	host: string;
	otlpPort: number;
	apiPort: number;
	clickhouseUrl?: string;
	cluster?: string;
	evidenceEnvironment?: string;
	retentionLanding: number;
	retentionEvidence: number;
	checkEvery: number;
}

/** `armspan up` */
export function upCommand(): Command {
	return new Command("up")
		.description("run the service: OTLP receiver, HTTP API, guardrail watch")
		.option("--repository <dir>", "git repository with prompts/, experiments/ and environments/", ".")
		.option("--environment <name>", "environment to deploy", "production")
		.option("--data <dir>", "folder of evidence (data/clickhouse) and routing bundle (data/routing)", "./data")
		.option(
			"--clickhouse-url <url>",
			"a ClickHouse server instead of the embedded one (user and password from CLICKHOUSE_USER, CLICKHOUSE_PASSWORD)",
		)
		.option("--cluster <name>", "with --clickhouse-url: cluster over which tables are spread")
		.option(
			"--evidence-environment <name>",
			"environment whose evidence counts (deployment.environment.name of the resource); default: that of --environment",
		)
		.option(
			"--retention-landing <days>",
			"days that spans and logs are kept as delivered; 0 for ever",
			integerBetween(0, 36_500),
			30,
		)
		.option(
			"--retention-evidence <days>",
			"days that calls, exposures and evaluations are kept, longer while an iteration needs them; 0 for ever",
			integerBetween(0, 36_500),
			400,
		)
		.option("--host <address>", "address to listen on; anything but loopback needs ARMSPAN_TOKEN", "127.0.0.1")
		.option("--otlp-port <port>", "port of the OTLP/HTTP receiver", integerBetween(0, 65535), 4318)
		.option("--api-port <port>", "port of the HTTP API", integerBetween(0, 65535), 7070)
		.option("--check-every <ms>", "time between two looks at the guardrails", integerBetween(100, 3_600_000), 1000)
		.option("--demo", "show the whole loop with a simulated provider, an example application and a load")
		.option("--exit", "with --demo: end when the loop has closed (exit code 0) or has not (1)")
		.option(
			"--seed <n>",
			"with --demo: repeats assignment and the provider's behaviour",
			integerBetween(0, 2 ** 31 - 1),
			1,
		)
		.option("--report <file>", "with --demo: write time line and final comparison as JSON")
		.action(async (options: UpOptions) => {
			if (options.demo) {
				const { runDemo } = await import("../demo/run-demo.ts");
				await runDemo({
					data: resolve(options.data),
					host: options.host,
					otlpPort: options.otlpPort,
					apiPort: options.apiPort,
					checkEveryMs: options.checkEvery,
					seed: options.seed,
					exit: options.exit ?? false,
					...(options.report === undefined ? {} : { report: resolve(options.report) }),
				});
				return;
			}
			await up(options);
		});
}

async function up(options: UpOptions): Promise<void> {
	const interrupted = untilInterrupted();
	const { startService } = await import("@armspan/service");
	const data = resolve(options.data);
	const routingDirectory = resolve(data, "routing");
	mkdirSync(data, { recursive: true });
	const service = await startService({
		store:
			options.clickhouseUrl === undefined
				? { kind: "embedded", path: resolve(data, "clickhouse") }
				: {
						...clickHouseServer(options.clickhouseUrl),
						...(options.cluster === undefined ? {} : { cluster: { name: options.cluster } }),
					},
		repository: resolve(options.repository),
		environmentName: options.environment,
		...(options.evidenceEnvironment === undefined ? {} : { evidenceEnvironment: options.evidenceEnvironment }),
		retention: { landing: options.retentionLanding, evidence: options.retentionEvidence },
		routingDirectory,
		host: options.host,
		otlpPort: options.otlpPort,
		apiPort: options.apiPort,
		token: process.env.ARMSPAN_TOKEN,
		routingPrivateKey: process.env.ARMSPAN_ROUTING_PRIVATE_KEY,
		checkEveryMs: options.checkEvery,
		logger: createLog(process.stderr, "warn"),
		onDecision: (decision) => process.stderr.write(`${decision.kind}: ${decision.reason}\n`),
	});
	try {
		process.stderr.write(
			[
				`armspan ${service.version} is up`,
				`  OTLP/HTTP  ${service.otlpUrl}`,
				`  API        ${service.apiUrl}/api/v1/experiments`,
				`  routing    ${routingDirectory} (revision ${service.revision()})`,
				...(service.uncommittedFiles.length === 0
					? []
					: [`  not deployed, since not committed: ${service.uncommittedFiles.join(", ")}`]),
				`  your application: ARMSPAN_ROUTING=<routing folder> ARMSPAN_ENVIRONMENT=${options.environment} node --import @armspan/register app.js`,
				"  stop with Ctrl-C",
				"",
			].join("\n"),
		);
		await interrupted;
	} finally {
		await service.close();
	}
}
