import {
	checkGuardrails,
	checkMetricGuardrails,
	endDecision,
	guardrailDecision,
	metricGuardrailDecision,
	recordedDesign,
	routedAfterHalt,
	startDecision,
} from "@armspan/analysis";
import type { ExperimentFile, Registry } from "@armspan/registry";
import type { Decision } from "@armspan/schema";
import type { Store } from "@armspan/store";
import type { FastifyBaseLogger } from "fastify";
import { type Deployment, iterationKey } from "../routing/deployment.ts";

export interface GuardrailWatchOptions {
	store: Store;
	registry: Registry;
	deployment: Deployment;
	codeVersion: string;
	logger: FastifyBaseLogger;
	/** Called after a decision took effect: recorded, and for a halt written to the routing bundle. */
	onDecision: (decision: Decision, effectiveAt: Date) => void;
}

/** Guardrails on anything but failed calls read the calls of a day, so they are looked at less often, */
const METRIC_CHECK_INTERVAL_MS = 10_000;
/** and rest this many times as long as they took. */
const METRIC_CHECK_REST = 9;

/** It reads a column of all calls. */
const RISE_INTERVAL_MS = 60_000;

/** What the watch last saw, for `/healthz`. */
export interface WatchHealth {
	lastCheckAt: Date | null;
	/** Checks that failed in a row. A check that cannot be made is no good news: see the log. */
	consecutiveFailures: number;
	/**
	 * Running experiments with a guardrail that was not measured, since the last check failed or there was nothing to
	 * compare: nobody knows whether it is breached. Results and snapshots say `unmeasured` of that guardrail.
	 */
	unmeasured: string[];
	/** Halts that are not yet committed to git. */
	uncommittedHalts: number;
	/** Halted variants that an application still calls: it does not follow the routing bundle. */
	ignoredHalts: string[];
}

/**
 * Looks at the guardrails of every running experiment, again and again, and acts on a breach: decision row, then
 * routing bundle, then git commit. In this order a crash in between loses nothing: a decision that is recorded is
 * laid over git's intent at the next start, and a commit that is missing is made up for at the next look.
 *
 * It can only reduce exposure.
 */
export class GuardrailWatch {
	readonly #options: GuardrailWatchOptions;
	readonly #decided = new Set<string>();
	readonly #halts = new Map<string, Decision>();
	readonly #ends = new Map<string, Decision>();
	readonly #starts = new Map<string, Decision>();
	/** Experiments that this process has seen running: it may say that they are gone. */
	readonly #seenRunning = new Set<string>();
	/** When guardrails on metrics may be looked at again, by iteration; ms since the epoch. */
	readonly #nextMetricChecks = new Map<string, number>();
	/** Iterations with a guardrail on a metric that had nothing to compare when it was last looked at. */
	readonly #unmeasuredMetrics = new Set<string>();
	#lastCheckAt: Date | null = null;
	#lastRiseAt: Date | undefined;
	#ignoredHalts: string[] = [];
	#unmeasured: string[] = [];
	#consecutiveFailures = 0;

	constructor(options: GuardrailWatchOptions) {
		this.#options = options;
	}

	/** Reads back what was decided before. Returns the iterations that are over. */
	async start(): Promise<ReadonlySet<string>> {
		await this.#readDecisions();
		return this.#over();
	}

	get health(): WatchHealth {
		return {
			lastCheckAt: this.#lastCheckAt,
			consecutiveFailures: this.#consecutiveFailures,
			unmeasured: this.#unmeasured,
			uncommittedHalts: this.#uncommitted().length,
			ignoredHalts: this.#ignoredHalts,
		};
	}

	/** One look. A failure is logged and counted, never thrown: the next look is a new chance. */
	async check(now: Date): Promise<void> {
		const { deployment } = this.#options;
		let failures = 0;
		const unmeasured: string[] = [];
		const attempt = async (what: string, task: () => Promise<unknown>) => {
			try {
				await task();
				return true;
			} catch (error) {
				failures++;
				// At once: a round over a store that hangs takes long.
				if (failures === 1) this.#consecutiveFailures++;
				this.#options.logger.error({ err: error }, `could not ${what}`);
				return false;
			}
		};
		await attempt("follow the repository", () => deployment.follow());
		// Another service on the same evidence may have decided, and a bundle may not have been written last time.
		await attempt("read decisions", () => this.#readDecisions());
		await attempt("record what has ended", () => this.#recordEnds(now));
		await attempt("write the routing bundle", () => deployment.halt(this.#over()));
		await attempt("restore the routing bundle", () => deployment.restore());
		await attempt("rise above the revisions of the evidence", () => this.#rise(now));
		for (const file of deployment.experiments) {
			const { key } = file.experiment;
			let isMeasured = false;
			await attempt(`check the guardrails of ${key}`, async () => {
				isMeasured = await this.#checkExperiment(file, now);
			});
			if (!isMeasured) unmeasured.push(key);
		}
		this.#unmeasured = unmeasured;
		if (this.#uncommitted().length > 0) {
			await this.#commitHalts();
			await attempt("follow the repository", () => deployment.follow());
		}
		await attempt("see whether halts are followed", () => this.#seeWhetherHaltsAreFollowed());
		this.#lastCheckAt = now;
		if (failures === 0) this.#consecutiveFailures = 0;
	}

	/** Whether nothing was left unmeasured; of an experiment that does not run, nothing is. */
	async #checkExperiment({ experiment, digest }: ExperimentFile, now: Date): Promise<boolean> {
		const key = iterationKey(experiment.key, experiment.iteration);
		if (experiment.status !== "running" || this.#halts.has(key) || this.#ends.has(key)) {
			return true;
		}
		this.#seenRunning.add(experiment.key);
		const { store, deployment, codeVersion } = this.#options;
		const context = { experiment, experimentDigest: digest, codeVersion, lastRevision: deployment.state.revision };
		const origin = await this.#iterationStart(context, now);
		const checks = await checkGuardrails({ store, experiment, origin, now });
		for (const check of checks) {
			if (check.breached) {
				await this.#act((lastRevision) => guardrailDecision(check, { ...context, lastRevision }));
			}
		}
		const next = this.#nextMetricChecks.get(key);
		const isMeasured = () => checks.every(({ measured }) => measured) && !this.#unmeasuredMetrics.has(key);
		if (next !== undefined && now.getTime() < next) return isMeasured();
		const startedMs = performance.now();
		const metricChecks = await checkMetricGuardrails({ store, experiment, origin, now });
		for (const check of metricChecks) {
			if (check.breached) {
				await this.#act((lastRevision) => metricGuardrailDecision(check, { ...context, lastRevision }));
			}
		}
		const tookMs = performance.now() - startedMs;
		this.#nextMetricChecks.set(key, now.getTime() + Math.max(METRIC_CHECK_INTERVAL_MS, METRIC_CHECK_REST * tookMs));
		if (metricChecks.every(({ measured }) => measured)) this.#unmeasuredMetrics.delete(key);
		else this.#unmeasuredMetrics.add(key);
		return isMeasured();
	}

	async #seeWhetherHaltsAreFollowed(): Promise<void> {
		const { store, deployment, logger } = this.#options;
		const ignored: string[] = [];
		for (const { experiment } of deployment.experiments) {
			const halt = this.#halts.get(iterationKey(experiment.key, experiment.iteration));
			for (const { variant } of await routedAfterHalt(store, experiment, halt)) {
				ignored.push(`${experiment.key}.${variant}`);
			}
		}
		if (ignored.join() !== this.#ignoredHalts.join() && ignored.length > 0) {
			logger.error({ ignored }, "an application still calls halted variants: it does not follow this routing bundle");
		}
		this.#ignoredHalts = ignored;
	}

	async #rise(now: Date): Promise<void> {
		const last = this.#lastRiseAt;
		// By how much, whichever way: a clock that was set back does not put it off.
		if (last !== undefined && Math.abs(now.getTime() - last.getTime()) < RISE_INTERVAL_MS) return;
		this.#lastRiseAt = now;
		await this.#options.deployment.rise();
	}

	async #readDecisions(): Promise<void> {
		for (const decision of await this.#options.store.listDecisions({})) {
			this.#remember(decision);
		}
	}

	async #iterationStart(context: Parameters<typeof startDecision>[0], now: Date): Promise<Date> {
		const key = iterationKey(context.experiment.key, context.experiment.iteration);
		const known = this.#starts.get(key);
		if (known !== undefined) {
			return new Date(known.decidedAt);
		}
		const decision = startDecision(context, now);
		await this.#options.store.appendDecision(decision);
		this.#remember(decision);
		return new Date(this.#starts.get(key)?.decidedAt ?? now);
	}

	/**
	 * Records the end of iterations that were begun and that the deployed bundle no longer runs, so that applications which
	 * do not read it stop counting. Of experiments that this service never saw it says nothing: the store may hold those of
	 * another repository.
	 */
	async #recordEnds(now: Date): Promise<void> {
		const { store, deployment, codeVersion, logger, onDecision } = this.#options;
		for (const [key, start] of this.#starts) {
			if (this.#halts.has(key) || this.#ends.has(key)) continue;
			const said = deployment.experiment(start.experiment);
			const { status, iteration } = said?.experiment ?? {};
			if (status === "running" && iteration === start.iteration) continue;
			if (said === undefined && !this.#seenRunning.has(start.experiment)) continue;
			const decision = endDecision(start, said, { codeVersion, deployedRevision: deployment.state.revision }, now);
			await store.appendDecision(decision);
			this.#remember(decision);
			logger.info({ decision }, decision.reason);
			onDecision(decision, new Date());
		}
	}

	/** @param decide what is decided, when calls up to this revision count */
	async #act(decide: (lastRevision: number) => Decision): Promise<void> {
		const { store, deployment, logger, onDecision } = this.#options;
		if (this.#decided.has(decide(deployment.state.revision).id)) {
			return;
		}
		// Calls that another service routed, before it was replaced by this one, count as well.
		const decision = decide(await deployment.highestRevision());
		await store.appendDecision(decision);
		this.#remember(decision);
		logger.warn({ decision }, decision.reason);
		if (decision.kind === "halt") {
			await deployment.halt(this.#over());
		}
		onDecision(decision, new Date());
	}

	/** Says in git what was halted. A commit that fails is tried again at every look; routing does not wait for it. */
	async #commitHalts(): Promise<void> {
		const { registry, logger } = this.#options;
		for (const halt of this.#uncommitted()) {
			try {
				const change = await registry.changeExperiment(
					halt.experiment,
					(document) => {
						if (
							document.get("iteration") === undefined
								? halt.iteration === 1
								: document.get("iteration") === halt.iteration
						) {
							document.set("status", "halted");
						}
					},
					{
						message: `Halt ${halt.experiment}: ${halt.metric} guardrail\n\n${halt.reason}`,
						trailers: { "Armspan-Decision": halt.id },
					},
				);
				logger.info({ decision: halt.id, commit: change.commit, workTree: change.workTree }, "halt committed");
			} catch (error) {
				logger.error({ err: error, decision: halt.id }, "halt is in force but could not be committed; trying again");
			}
		}
	}

	/** Halts of iterations that git still says are running. */
	#uncommitted(): Decision[] {
		return this.#options.deployment.experiments.flatMap(({ experiment }) => {
			const halt = this.#halts.get(iterationKey(experiment.key, experiment.iteration));
			return halt !== undefined && experiment.status === "running" ? [halt] : [];
		});
	}

	#remember(decision: Decision): void {
		this.#decided.add(decision.id);
		const key = iterationKey(decision.experiment, decision.iteration);
		if (decision.kind === "halt") {
			this.#halts.set(key, decision);
		}
		if (decision.kind === "end") {
			this.#ends.set(key, decision);
			this.#options.deployment.knowEnd(key, decision.decidedAt);
		}
		const design = recordedDesign(decision);
		if (design !== undefined) {
			this.#options.deployment.knowDesign(key, design);
		}
		const known = this.#starts.get(key);
		// Another service may have recorded an earlier start at the same moment.
		if (decision.kind === "start" && (known === undefined || decision.decidedAt < known.decidedAt)) {
			this.#starts.set(key, decision);
		}
	}

	/** Iterations that never enrol again: halted, or ended by what git said. */
	#over(): ReadonlySet<string> {
		return new Set([...this.#halts.keys(), ...this.#ends.keys()]);
	}
}
