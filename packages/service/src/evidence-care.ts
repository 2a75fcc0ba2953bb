import { closingDecision, iterationStart } from "@armspan/analysis";
import { BUILT_IN_METRICS, type Experiment } from "@armspan/schema";
import type { Store } from "@armspan/store";
import type { FastifyBaseLogger } from "fastify";

/** Share of an iteration's rows with a value that cannot be, above which somebody should look. */
const QUARANTINED_SHARE = 0.01;

/** Calls of an iteration from which on sums per unit are kept beside them; below, a look is fast without. */
const SUMMED_CALLS = 200_000;
const SUM_EVERY_MS = 900_000;
/** Making sums takes one processor, and no more than this part of its time. */
const SUM_REST = 20;

/** How long after its end an iteration is asked for calls that were left out: what comes late comes within days. */
const CLOSED_WATCH_MS = 7 * 86_400_000;

/** Days that rows are kept; 0 keeps them for ever. */
export interface RetentionDays {
	landing: number;
	evidence: number;
}

export interface EvidenceCareOptions {
	/** The whole store, not one environment's part. */
	store: Pick<
		Store,
		"setRetention" | "evidenceHealth" | "listDecisions" | "callsBeyondRevision" | "newestArrival" | "sealUnitSums"
	>;
	environment: string;
	/** Left out, nobody's TTL is touched. */
	retention?: RetentionDays | undefined;
	experiments: () => readonly Experiment[];
	logger: FastifyBaseLogger;
}

/** Keeps rows as long as they are wanted or needed, sums what is long past, and says when evidence is not what one would think it is. */
export class EvidenceCare {
	readonly #options: EvidenceCareOptions;
	#warnings: string[] = [];
	#isBlind = false;
	#newestArrival: Date | null = null;
	/** Iterations with many calls, by key of the experiment. */
	#large = new Set<string>();
	/** When iterations may be summed again; ms since the epoch. */
	readonly #nextSumMs = new Map<string, number>();

	constructor(options: EvidenceCareOptions) {
		this.#options = options;
	}

	/** For `/healthz`: what the last look found. */
	get warnings(): readonly string[] {
		return this.#warnings;
	}

	/** When the newest call arrived, as it was last seen. */
	get newestArrival(): Date | null {
		return this.#newestArrival;
	}

	/** Looks when the newest call arrived; a failure is logged, and leaves it as it was. */
	async seeNewest(): Promise<void> {
		try {
			this.#newestArrival = await this.#options.store.newestArrival();
		} catch (error) {
			this.#options.logger.error({ err: error }, "could not see when the newest call arrived");
		}
	}

	/** A running experiment has evidence of other environments only: its guardrails see nothing. */
	get isBlind(): boolean {
		return this.#isBlind;
	}

	/** One look. A failure is logged and is a warning, never thrown: the next look is a new chance. */
	async tend(now: Date): Promise<void> {
		const { logger } = this.#options;
		const warnings: string[] = [];
		for (const look of [
			() => this.#retain(now),
			() => this.#inspect(),
			() => this.#leftOut(now),
			() => this.#sum(now),
		]) {
			try {
				warnings.push(...(await look()));
			} catch (error) {
				logger.error({ err: error }, "could not look after the evidence");
				warnings.push("the last look after the evidence failed: see the log");
			}
		}
		for (const warning of warnings) {
			if (!this.#warnings.includes(warning)) {
				logger.warn(warning);
			}
		}
		this.#warnings = warnings;
	}

	async #retain(now: Date): Promise<string[]> {
		const { store, retention } = this.#options;
		if (retention === undefined) {
			return [];
		}
		const starts: number[] = [];
		for (const { key, iteration } of this.#running()) {
			// of every environment: one retention serves them all
			const start = iterationStart(await store.listDecisions({ experiment: key, iteration }));
			if (start !== undefined) {
				starts.push(start.getTime());
			}
		}
		const { warnings } = await store.setRetention({
			landingDays: retention.landing,
			evidenceDays: retention.evidence,
			keepSince: starts.length === 0 ? undefined : new Date(Math.min(...starts)),
			now,
		});
		return warnings;
	}

	async #inspect(): Promise<string[]> {
		const { store, environment } = this.#options;
		const warnings: string[] = [];
		let isBlind = false;
		this.#large = new Set();
		for (const { key, iteration } of this.#running()) {
			const health = await store.evidenceHealth({ experiment: key, iteration });
			const calls = health.filter(({ source }) => source === "calls").reduce((sum, { rows }) => sum + rows, 0);
			if (calls >= SUMMED_CALLS) this.#large.add(key);
			const rowsOf = (wanted: (name: string) => boolean) =>
				health.filter((part) => wanted(part.environment)).reduce((sum, { rows }) => sum + rows, 0);
			const ours = rowsOf((name) => name === environment);
			const unnamed = rowsOf((name) => name === "");
			const others = [...new Set(health.map((part) => part.environment))].filter(
				(name) => name !== environment && name !== "",
			);
			if (ours + unnamed === 0 && others.length > 0) {
				isBlind = true;
				warnings.push(
					`${key}: no evidence of environment "${environment}", but of ${others.map((name) => `"${name}"`).join(", ")}; name it in the application (OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=${environment}), or start with --evidence-environment`,
				);
			} else if (unnamed > 0 && others.length > 0) {
				warnings.push(
					`${key}: ${unnamed} rows name no environment and count in every one, beside those of ${others.map((name) => `"${name}"`).join(", ")}; name it in every application (OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=…)`,
				);
			}
			const counted = health.filter((part) => part.environment === environment || part.environment === "");
			const rows = counted.reduce((sum, part) => sum + part.rows, 0);
			const quarantined = counted.reduce((sum, part) => sum + part.quarantined, 0);
			if (quarantined > rows * QUARANTINED_SHARE) {
				warnings.push(
					`${key}: ${quarantined} of ${rows} rows have a value or a time that cannot be (NaN, negative, out of range); what cannot be is not counted`,
				);
			}
		}
		this.#isBlind = isBlind;
		return warnings;
	}

	/** Calls that name a revision that the service which closed the evidence did not know. */
	async #leftOut(now: Date): Promise<string[]> {
		const { store, environment, experiments } = this.#options;
		const warnings: string[] = [];
		for (const { key, iteration } of experiments()) {
			const closing = closingDecision(await store.listDecisions({ experiment: key, iteration, environment }));
			if (closing === undefined || now.getTime() - Date.parse(closing.decidedAt) > CLOSED_WATCH_MS) continue;
			const calls = await store.callsBeyondRevision({
				...{ experiment: key, iteration, environment },
				...{ untilRevision: closing.lastRevision, closedAt: new Date(closing.decidedAt) },
			});
			if (calls > 0) {
				warnings.push(
					`${key}: ${calls} calls from before the ${closing.kind} of iteration ${iteration} count nowhere, since they name a routing revision above ${closing.lastRevision}; a second service of this environment routed them: run one`,
				);
			}
		}
		return warnings;
	}

	async #sum(now: Date): Promise<string[]> {
		for (const { key, iteration, metrics } of this.#running()) {
			const next = this.#nextSumMs.get(`${key} ${iteration}`) ?? Number.NEGATIVE_INFINITY;
			if (!this.#large.has(key) || now.getTime() < next) continue;
			const all = [...BUILT_IN_METRICS.values(), ...metrics];
			const startedMs = performance.now();
			await this.#options.store.sealUnitSums({ experiment: key, iteration, metrics: all });
			const restMs = SUM_REST * (performance.now() - startedMs);
			this.#nextSumMs.set(`${key} ${iteration}`, now.getTime() + Math.max(SUM_EVERY_MS, restMs));
		}
		return [];
	}

	#running(): Experiment[] {
		return this.#options.experiments().filter(({ status }) => status === "running");
	}
}
