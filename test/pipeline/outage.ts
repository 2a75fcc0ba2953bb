import { join } from "node:path";
import { initRepository } from "@armspan/registry";
import { startService } from "@armspan/service";
import { createLog } from "../../packages/cli/src/log.ts";
import { callSpan, send, tracesRequest } from "./otlp.ts";
import { Pipeline } from "./pipeline.ts";

export interface OutageOptions {
	folder: string;
	/** How long ClickHouse is away, under load. */
	downMs: number;
	spansPerSecond: number;
	/** `SIGKILL` ends it; `SIGSTOP` leaves its connections open and silent. */
	signal: "SIGKILL" | "SIGSTOP";
	/** What runs in the middle of the outage. */
	inTheMiddle?: (pipeline: Pipeline) => Promise<void>;
	onProgress?: (line: string) => void;
}

export interface OutageReport {
	/** Spans that the agent said it had taken. */
	acknowledged: number;
	/** Requests that it refused or did not answer, each sent again until it was taken. */
	refusals: number;
	/** Calls as the store reads them; each is one span. */
	calls: number;
	missing: number;
	doubled: number;
	/** Rows of the landing table: more than `acknowledged` when batches were delivered twice. */
	landed: number;
	/** What the service said of its guardrails before, during and after. */
	unmeasured: { before: string[]; during: string[]; after: string[] };
	/** Answer to a question for results while ClickHouse was away; `null` when none came within two seconds. */
	resultsStatusDuring: number | null;
	/** From the moment ClickHouse answered again until all that had come was stored. */
	recoveryMs: number;
	/** Highest memory of the Collectors, and what the queues held at the end of the outage. */
	privateBytes: { agent: number; gateway: number };
	queuedBytes: number;
}

const LOAD_BEFORE_AND_AFTER_MS = 3000;

/**
 * Load through agent and gateway while ClickHouse goes away and comes back, with a service that watches.
 *
 * Spans are numbered, so that each can be looked for afterwards.
 */
export async function runOutage(options: OutageOptions): Promise<OutageReport> {
	const { folder, downMs, spansPerSecond, onProgress = () => undefined } = options;
	const pipeline = await Pipeline.start(folder);
	const stops: (() => Promise<unknown>)[] = [() => pipeline.stop()];
	try {
		const repository = join(folder, "repository");
		await initRepository(repository);
		const service = await startService({
			store: { kind: "server", url: pipeline.server.url },
			repository,
			environmentName: "production",
			routingDirectory: join(folder, "routing"),
			host: "127.0.0.1",
			otlpPort: 0,
			apiPort: 0,
			checkEveryMs: 500,
			logger: createLog(join(folder, "service.log"), "info"),
		});
		stops.push(() => service.close());
		const unmeasured = async () => {
			const response = await fetch(`${service.apiUrl}/healthz`);
			const { store, guardrails } = (await response.json()) as {
				store: string;
				guardrails: { consecutiveFailures: number; unmeasured: string[] };
			};
			// The load is of another experiment than the repository's, which is unmeasured for want of data all the time.
			return store === "unreachable" || guardrails.consecutiveFailures > 0 ? guardrails.unmeasured : [];
		};

		const load = startLoad(pipeline.agent.otlpUrl, spansPerSecond);
		stops.push(() => load.stop());
		const highest = { agent: 0, gateway: 0 };
		const watching = setInterval(() => {
			highest.agent = Math.max(highest.agent, pipeline.agent.privateBytes());
			highest.gateway = Math.max(highest.gateway, pipeline.gateway.privateBytes());
		}, 250);
		stops.push(async () => clearInterval(watching));

		await delay(LOAD_BEFORE_AND_AFTER_MS);
		await Pipeline.until(async () => (await service.store.counts()).traces > 0 && (await unmeasured()).length === 0);
		const before = await unmeasured();

		pipeline.server.stop(options.signal);
		onProgress(`${load.acknowledged()} spans taken; ClickHouse is away`);
		await delay(downMs / 2);
		await options.inTheMiddle?.(pipeline);
		await delay(downMs / 2);
		await Pipeline.until(async () => (await unmeasured()).length > 0);
		const during = await unmeasured();
		const resultsStatusDuring = await fetch(`${service.apiUrl}/api/v1/experiments/support-tone/results`, {
			signal: AbortSignal.timeout(2000),
		}).then(
			({ status }) => status,
			() => null,
		);
		const queuedBytes = await pipeline.gateway.metric("otelcol_exporter_queue_size");
		onProgress(`${load.acknowledged()} spans taken, ${queuedBytes} bytes queued; ClickHouse comes back`);

		if (options.signal === "SIGKILL") await pipeline.server.restart();
		else pipeline.server.stop("SIGCONT");
		const backAt = performance.now();
		await delay(LOAD_BEFORE_AND_AFTER_MS);
		await load.stop();
		const acknowledged = load.acknowledged();
		await Pipeline.until(async () => (await storedNumbers(pipeline)).size >= acknowledged);
		const recoveryMs = performance.now() - backAt;
		await Pipeline.until(async () => (await unmeasured()).length === 0);
		const after = await unmeasured();

		const calls = await service.store.callIds({});
		const numbers = new Set(calls.map(({ responseId }) => responseId));
		return {
			acknowledged,
			refusals: load.refusals(),
			calls: calls.length,
			missing: load.sent().filter((number) => !numbers.has(`response-${number}`)).length,
			doubled: calls.length - numbers.size,
			landed: (await service.store.counts()).traces,
			unmeasured: { before, during, after },
			resultsStatusDuring,
			recoveryMs: Math.round(recoveryMs),
			privateBytes: highest,
			queuedBytes,
		};
	} finally {
		for (const stop of stops.reverse()) await stop();
	}
}

async function storedNumbers({ server }: Pipeline): Promise<{ size: number }> {
	return { size: Number(await server.run("SELECT uniqExact(response_id) FROM call_traces")) };
}

/** Requests of a tenth of a second's spans, one after the other; one that fails is sent again, as an SDK does. */
function startLoad(otlpUrl: string, spansPerSecond: number) {
	const PERIOD_MS = 100;
	const perRequest = Math.max(1, Math.round((spansPerSecond * PERIOD_MS) / 1000));
	let next = 0;
	let refusals = 0;
	let stopped = false;
	const sent: number[] = [];
	const running = (async () => {
		while (!stopped) {
			const startedAt = performance.now();
			const numbers = Array.from({ length: perRequest }, (_, index) => next + index);
			next += perRequest;
			const body = tracesRequest(numbers.map((number) => callSpan(number)));
			for (;;) {
				try {
					await send(otlpUrl, "traces", body);
					break;
				} catch {
					// Not swallowed: counted, and the same request again until it is taken.
					refusals += 1;
					await delay(PERIOD_MS);
				}
			}
			sent.push(...numbers);
			await delay(Math.max(0, PERIOD_MS - (performance.now() - startedAt)));
		}
	})();
	return {
		acknowledged: () => sent.length,
		sent: () => sent,
		refusals: () => refusals,
		stop: async () => {
			stopped = true;
			await running;
		},
	};
}

export function delay(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
