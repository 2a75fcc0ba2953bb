import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { initRepository } from "@armspan/registry";
import type { Decision, ExperimentResults } from "@armspan/schema";
import type { Service, StoreOptions } from "@armspan/service";
import { CliError } from "../cli-error.ts";
import { createLog } from "../log.ts";
import { Child } from "./child.ts";
import type { DemoFolder } from "./demo-folder.ts";
import { switchProvider } from "./switch-provider.ts";
import type { TimeLine } from "./time-line.ts";

/** The experiment and the treatment of the starter repository. */
export const DEMO_EXPERIMENT = "support-tone";
const DEMO_TREATMENT = "friendly";

export interface LoopOptions {
	/** Where everything lies; a repository or evidence that is there already is used. */
	folder: DemoFolder;
	/** Where the evidence lies instead of in the folder: the server that a Collector writes to. */
	store?: StoreOptions;
	/** Where the application sends its telemetry instead of to the service: a Collector. */
	otlpEndpoint?: string;
	host: string;
	otlpPort: number;
	apiPort: number;
	checkEveryMs: number;
	seed: number;
	users: number;
	callsPerSecond: number;
	/** When the provider turns bad for the treatment prompt, after the load started. Never, when left out (A/A). */
	degradeAfterMs?: number;
	/** Error rate of the treatment prompt from then on. */
	degradedErrorRate: number;
	/** How long after the halt the load goes on before the last treatment call is read. */
	settleMs: number;
	/** Gives up waiting for the halt after this time since the switch. */
	giveUpAfterMs: number;
	/** Ends the loop early. */
	signal: AbortSignal;
	/** Called about once a second. */
	onProgress: (progress: LoopProgress) => void;
}

export interface LoopProgress {
	timeLine: TimeLine;
	results: ExperimentResults;
	/** Why the results are not of this moment: the evidence store does not answer. */
	problem?: string;
	decision: Decision | undefined;
}

export interface LoopOutcome extends LoopProgress {
	/** The guardrail fired, the bundle was rewritten, and everybody gets control. */
	closed: boolean;
}

/** Everything the loop started; `stop` leaves nothing behind. */
export interface RunningLoop {
	service: Service;
	providerUrl: string;
	applicationUrl: string;
	/** Resolves when the loop has closed, was given up, or was aborted. */
	outcome: Promise<LoopOutcome>;
	/** Ends load, application and provider in this order, each flushed; the service goes on. */
	stopTraffic(): Promise<void>;
	/** Ends everything. */
	stop(): Promise<void>;
}

const PROGRESS_EVERY_MS = 1000;

/**
 * Starts service, simulated provider, example application and load, each but the service in a process of its own,
 * and turns the provider bad for the treatment prompt after a while.
 *
 * @throws {CliError | ServiceError | …} when something does not start; nothing is left running then
 */
export async function startLoop(options: LoopOptions): Promise<RunningLoop> {
	const examples = exampleFolder();
	const { folder } = options;
	if (!existsSync(folder.repository)) {
		await initRepository(folder.repository);
	}

	const stops: (() => Promise<unknown>)[] = [];
	const stopDownTo = async (left: number) => {
		for (const step of stops.splice(left).reverse()) {
			await step();
		}
	};
	const stop = () => stopDownTo(0);
	const failure = Promise.withResolvers<never>();
	failure.promise.catch(() => undefined);
	const timeLine: Partial<TimeLine> = {};
	let decision: Decision | undefined;
	try {
		const { startService } = await import("@armspan/service");
		const service = await startService({
			store: options.store ?? { kind: "embedded", path: folder.clickhouse },
			repository: folder.repository,
			environmentName: "production",
			routingDirectory: folder.routing,
			host: options.host,
			otlpPort: options.otlpPort,
			apiPort: options.apiPort,
			token: process.env.ARMSPAN_TOKEN,
			checkEveryMs: options.checkEveryMs,
			logger: createLog(join(folder.logs, "service.log"), "info"),
			onDecision: (taken, effectiveAt) => {
				if (taken.kind === "halt" && decision === undefined) {
					decision = taken;
					timeLine.detectedAt = new Date(taken.decidedAt);
					timeLine.bundleWrittenAt = effectiveAt;
				}
			},
		});
		stops.push(() => service.close());

		const child = (name: string, script: string, more: Partial<ConstructorParameters<typeof Child>[0]>) => {
			const started = new Child({
				name,
				script: join(examples, script),
				logFile: join(folder.logs, `${name}.log`),
				onUnexpectedExit: failure.reject,
				...more,
			});
			stops.push(() => started.stop());
			return started;
		};
		const provider = child("provider", "simulated-provider/src/server.ts", {
			args: ["--port", "0", "--seed", String(options.seed), "--log", join(folder.logs, "served.jsonl")],
		});
		const providerUrl = await Promise.race([provider.url, failure.promise]);
		const application = child("application", "support-bot/src/server.ts", {
			nodeArgs: ["--import", "@armspan/register"],
			env: {
				ARMSPAN_ROUTING: folder.routing,
				OTEL_EXPORTER_OTLP_ENDPOINT: options.otlpEndpoint ?? service.otlpUrl,
				...(process.env.ARMSPAN_TOKEN
					? { OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${process.env.ARMSPAN_TOKEN}` }
					: {}),
				OTEL_SERVICE_NAME: "support-bot",
				OPENAI_BASE_URL: `${providerUrl}/v1`,
				OPENAI_API_KEY: "simulated",
				PORT: "0",
			},
		});
		const applicationUrl = await Promise.race([application.url, failure.promise]);
		child("load", "support-bot/src/load.ts", {
			args: [
				"--url",
				applicationUrl,
				"--users",
				String(options.users),
				"--rate",
				String(options.callsPerSecond),
				"--seed",
				String(options.seed),
			],
		});
		timeLine.loadStartedAt = new Date();

		const outcome = Promise.race([
			watch({ ...options, service, providerUrl, timeLine: timeLine as TimeLine, decision: () => decision }),
			failure.promise,
		]);
		outcome.catch(() => undefined);
		return { service, providerUrl, applicationUrl, outcome, stopTraffic: () => stopDownTo(1), stop };
	} catch (error) {
		await stop();
		throw error;
	}
}

interface WatchOptions extends LoopOptions {
	service: Service;
	providerUrl: string;
	timeLine: TimeLine;
	decision: () => Decision | undefined;
}

async function watch(options: WatchOptions): Promise<LoopOutcome> {
	const { service, timeLine, signal, decision } = options;
	const startedAt = performance.now();
	let switchedAt: number | undefined;
	let haltedAt: number | undefined;
	let results = await currentResults(service);
	for (;;) {
		const now = performance.now();
		if (switchedAt === undefined && options.degradeAfterMs !== undefined && now - startedAt >= options.degradeAfterMs) {
			timeLine.providerSwitchedAt = await switchProvider(options.providerUrl, {
				[DEMO_TREATMENT]: options.degradedErrorRate,
			});
			switchedAt = performance.now();
		}
		if (haltedAt === undefined && decision() !== undefined) {
			haltedAt = now;
		}
		const settled = haltedAt !== undefined && now - haltedAt >= options.settleMs;
		const givenUp = switchedAt !== undefined && haltedAt === undefined && now - switchedAt >= options.giveUpAfterMs;
		let problem: string | undefined;
		try {
			results = await currentResults(service);
		} catch (error) {
			// A server may be away for a while; the loop goes on and says so. At its end it has to be there.
			const isAway = error instanceof Error && error.name === "StoreError";
			if (!isAway || settled || givenUp || signal.aborted) throw error;
			problem = error.message;
		}
		const progress = { timeLine, decision: decision(), results, ...(problem === undefined ? {} : { problem }) };
		if (settled || givenUp || signal.aborted) {
			return finish(options, progress, settled);
		}
		options.onProgress(progress);
		// An analysis of much history takes its time; it should not take the machine from the guardrails.
		const tookMs = performance.now() - now;
		await sleep(Math.max(PROGRESS_EVERY_MS - tookMs, tookMs), signal);
	}
}

async function finish(
	{ service, timeLine }: WatchOptions,
	progress: LoopProgress,
	settled: boolean,
): Promise<LoopOutcome> {
	const last = await service.store.lastCallStart({
		experiment: DEMO_EXPERIMENT,
		iteration: progress.results.iteration,
		variant: DEMO_TREATMENT,
	});
	if (settled && last !== null) {
		timeLine.lastTreatmentCallAt = last;
	}
	return { ...progress, closed: settled && progress.results.status === "halted" };
}

async function currentResults(service: Service): Promise<ExperimentResults> {
	const results = await service.results(DEMO_EXPERIMENT);
	if (results === undefined) {
		throw new CliError("DEMO_UNAVAILABLE", `experiment ${DEMO_EXPERIMENT} is gone from the demo's repository`);
	}
	return results;
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const timer = setTimeout(done, ms);
		function done() {
			clearTimeout(timer);
			signal.removeEventListener("abort", done);
			resolve();
		}
		signal.addEventListener("abort", done);
		if (signal.aborted) {
			done();
		}
	});
}

/** The repository's `examples/`; the published package does not contain them. */
function exampleFolder(): string {
	const folder = fileURLToPath(new URL("../../../../examples", import.meta.url));
	if (!existsSync(join(folder, "support-bot"))) {
		throw new CliError(
			"DEMO_UNAVAILABLE",
			"the demo needs the repository's examples/, which are not part of the npm package",
			"git clone the repository, then npm ci && npm start",
		);
	}
	return folder;
}
