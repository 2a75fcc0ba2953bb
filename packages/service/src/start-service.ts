import { readFileSync } from "node:fs";
import { openRegistry } from "@armspan/registry";
import type { Decision, ExperimentResults } from "@armspan/schema";
import { type EncodedRows, openStore, type Store, type StoreOptions, storeOfEnvironment } from "@armspan/store";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import { createApi } from "./api/api.ts";
import { isLoopback } from "./authentication.ts";
import { EvidenceReader } from "./evidence/evidence-reader.ts";
import { StoreProbe } from "./evidence/store-probe.ts";
import { EvidenceCare, type RetentionDays } from "./evidence-care.ts";
import { GuardrailWatch } from "./guardrails/guardrail-watch.ts";
import { IngestBuffer } from "./ingest/ingest-buffer.ts";
import { createOtlpReceiver } from "./ingest/otlp-receiver.ts";
import { type Repetition, repeat } from "./repeat.ts";
import { Deployment } from "./routing/deployment.ts";
import { PublishedBundle } from "./routing/published-bundle.ts";
import { lockRouting } from "./routing/routing-lock.ts";
import { readSigningKey } from "./routing/signing-key.ts";
import { ServiceError } from "./service-error.ts";
import { ComparisonLooks } from "./snapshots/comparison-looks.ts";

export interface ServiceOptions {
	/** Where the evidence lies. */
	store: StoreOptions;
	/** Git repository with prompts, experiments and environments. */
	repository: string;
	/** Environment whose pins are deployed. */
	environmentName: string;
	/** Environment whose evidence counts, as the resources of spans name it; default: `environmentName`. */
	evidenceEnvironment?: string;
	/** Days that rows are kept; the tables are left as they are when left out. */
	retention?: RetentionDays;
	/** Folder of the routing bundle. */
	routingDirectory: string;
	/** Address of both servers. Anything but loopback needs a token. */
	host: string;
	/** 0 takes a free port. */
	otlpPort: number;
	apiPort: number;
	token?: string | undefined;
	/** ed25519 key that signs the routing bundle: PEM, or the path of a file with it. */
	routingPrivateKey?: string | undefined;
	/** Longest time between two looks at the guardrails, in milliseconds; new evidence is looked at up to twice as often. */
	checkEveryMs: number;
	/** How long rows wait for company at least before they are inserted, in milliseconds; usually up to five times as long. */
	insertDelayMs?: number;
	logger: FastifyBaseLogger;
	onDecision?: (decision: Decision, effectiveAt: Date) => void;
}

export interface Service {
	readonly otlpUrl: string;
	readonly apiUrl: string;
	readonly store: Store;
	readonly version: string;
	/** Files of the repository that are not committed, hence not deployed, as found at the start. */
	readonly uncommittedFiles: readonly string[];
	/** Revision of the routing bundle on disk. */
	revision(): number;
	/** `undefined` for an experiment that is not in the deployed commit. */
	results(experiment: string): Promise<ExperimentResults | undefined>;
	/** Stops taking requests, writes what was taken, lets go of the data folder. */
	close(): Promise<void>;
}

const DEFAULT_INSERT_DELAY_MS = 200;
const CARE_EVERY_MS = 600_000;
const PROBE_EVERY_MS = 5000;
/** It reads a column of all calls. */
const NEWEST_EVERY_MS = 60_000;
/** How often it is seen which looks are due; they are taken by the minute. */
const LOOKS_EVERY_MS = 10_000;

/**
 * Starts the service: evidence store, OTLP receiver, HTTP API and the watch over guardrails.
 *
 * Nothing is half-started: when a step fails, what was opened before is closed, and no routing bundle is written
 * before everything else stands.
 *
 * @throws {ServiceError | RegistryError | StoreError | RouterError} with a message for people
 */
export async function startService(options: ServiceOptions): Promise<Service> {
	if (!isLoopback(options.host) && options.token === undefined) {
		throw new ServiceError(
			"TOKEN_REQUIRED",
			`refusing to listen on ${options.host} without a token: anybody who reaches it could read and forge evidence; set ARMSPAN_TOKEN, or use --host 127.0.0.1`,
			{ host: options.host },
		);
	}
	if (options.token?.trim() === "") {
		throw new ServiceError(
			"TOKEN_EMPTY",
			"ARMSPAN_TOKEN is set, and empty: no request could carry it; set it to a secret, or unset it to serve this machine without one",
		);
	}
	const { logger } = options;
	const privateKey = options.routingPrivateKey === undefined ? undefined : readSigningKey(options.routingPrivateKey);
	const version = packageVersion();
	const cleanups: (() => Promise<unknown>)[] = [];
	let repetition: Repetition | undefined;
	let looking: Repetition | undefined;
	const unwind = async () => {
		for (const cleanup of cleanups.splice(0).reverse()) {
			await cleanup();
		}
	};
	try {
		const registry = await openRegistry(options.repository);
		// Read before anything is opened: a broken experiment file should not cost a locked data folder.
		await registry.snapshot();
		const uncommittedFiles = await registry.uncommittedFiles();

		const store = await openStore(options.store);
		cleanups.push(() => store.close());
		const lock = lockRouting(options.routingDirectory);
		cleanups.push(async () => lock.release());
		await store.migrate();
		const environment = options.evidenceEnvironment ?? options.environmentName;
		const evidence = storeOfEnvironment(store, environment);

		// Connections of its own: no guardrail waits for a look.
		const lookStore = await openStore(options.store);
		cleanups.push(() => lookStore.close());

		const delayMs = options.insertDelayMs ?? DEFAULT_INSERT_DELAY_MS;
		const traces = new IngestBuffer<EncodedRows>({
			insert: async (batches) => {
				await store.insertEncoded(batches);
				// New evidence is looked at as it comes, not up to a whole interval later.
				repetition?.soon();
			},
			delayMs,
		});
		const logs = new IngestBuffer<EncodedRows>({
			insert: (batches) => store.insertEncoded(batches),
			delayMs,
		});
		const deployment = new Deployment({
			...{ ...options, registry, privateKey },
			highestRevision: () => evidence.highestRevision(),
		});
		const care = new EvidenceCare({
			...{ store, environment, logger },
			retention: options.retention,
			experiments: () => deployment.experiments.map(({ experiment }) => experiment),
		});
		const watch = new GuardrailWatch({
			store: evidence,
			registry,
			deployment,
			codeVersion: version,
			logger,
			onDecision: (decision, effectiveAt) => {
				looks.want(decision.experiment);
				looking?.soon();
				options.onDecision?.(decision, effectiveAt);
			},
		});
		const looks = new ComparisonLooks({
			...{ store: storeOfEnvironment(lookStore, environment), environment, codeVersion: version, logger },
			experiments: () => deployment.experiments.map(({ experiment }) => experiment),
		});
		const probe = new StoreProbe({ store, logger });
		const reader = new EvidenceReader({
			...{ store: evidence, environment },
			intent: () => deployment.state.snapshot,
		});

		const otlp = createOtlpReceiver({ traces, logs, token: options.token, logger });
		// Flags are answered from the bundle that applications read, so that nobody is routed by another.
		const published = new PublishedBundle(options.routingDirectory, options.environmentName, logger);
		cleanups.push(async () => published.close());
		const api = await createApi({
			bundle: () => published.current,
			routing: { published },
			token: options.token,
			version,
			logger,
			evidence: reader,
			forgetUnit: (request) => store.forgetUnit(request),
			backend: {
				experiments: () =>
					deployment.experiments.map(({ experiment: { key, prompt, status, iteration } }) => ({
						key,
						prompt,
						status,
						iteration,
					})),
				units: (filter) => evidence.seenUnits(filter),
				decisions: (experiment) => evidence.listDecisions(experiment === undefined ? {} : { experiment }),
				health: async () => {
					const reachable = await probe.isReachable();
					const { lastCheckAt, ...watchHealth } = watch.health;
					const { lastLookAt, ...looksHealth } = looks.health;
					const problem = deployment.problem ?? null;
					const insertFailures = Math.max(traces.consecutiveFailures, logs.consecutiveFailures);
					return {
						status:
							reachable &&
							problem === null &&
							watchHealth.consecutiveFailures === 0 &&
							looksHealth.consecutiveFailures === 0 &&
							insertFailures === 0 &&
							watchHealth.ignoredHalts.length === 0 &&
							!care.isBlind
								? ("ok" as const)
								: ("degraded" as const),
						version,
						store: reachable ? ("ok" as const) : ("unreachable" as const),
						routing: { revision: deployment.state.revision, sourceCommit: deployment.state.snapshot.commit, problem },
						guardrails: {
							lastCheckAt: lastCheckAt?.toISOString() ?? null,
							...watchHealth,
							// A check that waits for such a server has not failed yet.
							unmeasured: reachable
								? watchHealth.unmeasured
								: deployment.experiments
										.filter(({ experiment }) => experiment.status === "running")
										.map(({ experiment }) => experiment.key),
						},
						looks: { lastLookAt: lastLookAt?.toISOString() ?? null, ...looksHealth },
						evidence: {
							environment,
							newestAt: care.newestArrival?.toISOString() ?? null,
							warnings: [...care.warnings, ...looks.warnings],
						},
						ingest: {
							...{ pendingSpans: traces.pendingRows, pendingEvents: logs.pendingRows },
							consecutiveFailures: insertFailures,
						},
					};
				},
			},
		});
		// Requests under way wait for their rows, so the buffers are closed with the servers, not after them.
		cleanups.push(async () => {
			await Promise.all([otlp.close(), traces.close(), logs.close()]);
		});
		cleanups.push(() => api.close());
		const otlpUrl = await listen(otlp, options.host, options.otlpPort, "--otlp-port");
		const apiUrl = await listen(api, options.host, options.apiPort, "--api-port");

		await deployment.start(await watch.start(), await store.highestRevision());
		const { checkEveryMs } = options;
		repetition = repeat(() => watch.check(new Date()), { everyMs: checkEveryMs, gapMs: checkEveryMs / 2 });
		cleanups.push(async () => repetition?.stop());
		// Neither start nor requests wait for it.
		const tending = repeat(() => care.tend(new Date()), { everyMs: CARE_EVERY_MS, gapMs: CARE_EVERY_MS });
		cleanups.push(() => tending.stop());
		const seeing = repeat(() => care.seeNewest(), { everyMs: NEWEST_EVERY_MS, gapMs: NEWEST_EVERY_MS });
		cleanups.push(() => seeing.stop());
		const probing = repeat(() => probe.isReachable().then(() => undefined), {
			...{ everyMs: PROBE_EVERY_MS, gapMs: PROBE_EVERY_MS },
		});
		cleanups.push(() => probing.stop());
		looking = repeat(() => looks.look(new Date()), { everyMs: LOOKS_EVERY_MS, gapMs: 1000 });
		cleanups.push(async () => {
			looks.stop();
			await looking?.stop();
		});

		return {
			otlpUrl,
			apiUrl,
			store,
			version,
			uncommittedFiles,
			revision: () => deployment.state.revision,
			results: (key) => reader.results(key),
			close: unwind,
		};
	} catch (error) {
		await unwind();
		throw error;
	}
}

async function listen(app: FastifyInstance, host: string, port: number, flag: string): Promise<string> {
	try {
		return await app.listen({ host, port });
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === "EADDRINUSE") {
			throw new ServiceError(
				"PORT_IN_USE",
				`port ${port} on ${host} is in use; stop what listens there, or choose another with ${flag} ${port + 1}`,
				{ host, port },
				{ cause: error },
			);
		}
		if (code === "EADDRNOTAVAIL" || code === "EACCES" || code === "ENOTFOUND") {
			throw new ServiceError(
				"ADDRESS_UNAVAILABLE",
				`cannot listen on ${host}:${port} (${code}); choose another with --host and ${flag}`,
				{ host, port },
				{ cause: error },
			);
		}
		throw error;
	}
}

function packageVersion(): string {
	const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
	return manifest.version;
}
