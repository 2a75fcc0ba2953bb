import { type AnalyzeExperimentOptions, analyzeExperiment } from "@armspan/analysis";
import type { Experiment, ExperimentResults } from "@armspan/schema";
import type { SnapshotKeep, Store, WrittenLook } from "@armspan/store";
import type { FastifyBaseLogger } from "fastify";
import { iterationKey } from "../routing/deployment.ts";
import { snapshotOfResults } from "./snapshot-of-results.ts";

const LOOK_EVERY_MS = 60_000;
/** A round of looks that took a second is not followed by another for nine: the engine is there for guardrails first. */
const REST = 9;
/** How long after an iteration's end its last look is taken again, for evidence that was under way. */
const LATE_EVIDENCE_MS = 600_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface ComparisonLooksOptions {
	/** With connections of its own, so that neither a guardrail nor a reader waits for a look. */
	store: AnalyzeExperimentOptions["store"] & Pick<Store, "appendSnapshot" | "latestLooks">;
	/** Whose evidence counts. */
	environment: string;
	/** Of the deployed commit. */
	experiments: () => readonly Experiment[];
	codeVersion: string;
	logger: FastifyBaseLogger;
	/** Monotonic clock, in milliseconds. @default performance.now */
	elapsedMs?: () => number;
}

/** What the looks came to, for `/healthz`. */
export interface LooksHealth {
	lastLookAt: Date | null;
	/** Rounds in a row in which a look failed. */
	consecutiveFailures: number;
	/** Looks that failed since the start. */
	failures: number;
	/** How long the last round that looked at something took, in milliseconds; `null` before it. */
	roundMs: number | null;
	/** Why looks come less often than once a minute; `null` when they do not. */
	lagging: string | null;
}

/**
 * Writes down what the analysis says of each running iteration, minute by minute, and once more when the iteration ends.
 *
 * A look belongs to its minute (the last one of a closed iteration to its halt or end), whoever takes it: two services on one
 * store share the looks, and a look that both take is one.
 */
export class ComparisonLooks {
	readonly #options: ComparisonLooksOptions;
	readonly #elapsedMs: () => number;
	/** Start of the minute that was last looked at, by iteration; infinite when nothing more will come. */
	readonly #done = new Map<string, number>();
	/** Experiments to look at before their minute has come. */
	readonly #wanted = new Set<string>();
	#restUntilMs = Number.NEGATIVE_INFINITY;
	/** What the last look said of queries of metrics, by experiment. */
	readonly #failedSources = new Map<string, string[]>();
	/** Experiments whose last look failed. Between the minutes nothing is looked at, and nothing is mended. */
	readonly #failing = new Set<string>();
	#stopped = false;
	#health: Omit<LooksHealth, "lagging"> = { lastLookAt: null, consecutiveFailures: 0, failures: 0, roundMs: null };
	#roundBeganMs: number | undefined;

	constructor(options: ComparisonLooksOptions) {
		this.#options = options;
		this.#elapsedMs = options.elapsedMs ?? (() => performance.now());
	}

	get health(): LooksHealth {
		return { ...this.#health, lagging: this.#lagging() };
	}

	#lagging(): string | null {
		const underWayMs = this.#roundBeganMs === undefined ? 0 : this.#elapsedMs() - this.#roundBeganMs;
		if (underWayMs > LOOK_EVERY_MS) {
			return `a round of looks has been under way for ${seconds(underWayMs)} s: none is kept of the minutes in between; guardrails do not wait for it`;
		}
		const { roundMs } = this.#health;
		const everyMs = (roundMs ?? 0) * (1 + REST);
		return roundMs === null || everyMs <= LOOK_EVERY_MS
			? null
			: `the last round of looks took ${seconds(roundMs)} s, and ${REST} times as long is rested: about one look in ${seconds(everyMs)} s, not one a minute; guardrails do not wait for it`;
	}

	/** For `/healthz`: metrics of running experiments whose SQL gave no value at the last look. */
	get warnings(): readonly string[] {
		const running = this.#options.experiments().filter(({ status }) => status === "running");
		return running.flatMap(({ key }) => this.#failedSources.get(key) ?? []);
	}

	/** Something was decided about the experiment: the next round looks at it, whatever the clock says. */
	want(experiment: string): void {
		this.#wanted.add(experiment);
	}

	/** No further look is begun. */
	stop(): void {
		this.#stopped = true;
	}

	/** One round over all experiments. A failure is logged and counted, never thrown: the next minute is a new chance. */
	async look(now: Date): Promise<void> {
		const beganMs = this.#elapsedMs();
		const resting = beganMs < this.#restUntilMs;
		let failures = 0;
		let looked = 0;
		this.#roundBeganMs = beganMs;
		for (const experiment of this.#options.experiments()) {
			if (this.#stopped) break;
			const wanted = this.#wanted.delete(experiment.key);
			if (resting && !wanted) continue;
			try {
				if (await this.#lookAt(experiment, now, wanted)) {
					looked++;
					this.#failing.delete(experiment.key);
				}
			} catch (error) {
				failures++;
				this.#failing.add(experiment.key);
				this.#options.logger.error({ err: error }, `could not write what a look at ${experiment.key} said`);
			}
		}
		this.#roundBeganMs = undefined;
		if (this.#stopped) return;
		const known = new Set(this.#options.experiments().map(({ key }) => key));
		for (const key of this.#failing) if (!known.has(key)) this.#failing.delete(key);
		if (resting) return;
		const endedMs = this.#elapsedMs();
		this.#restUntilMs = endedMs + REST * (endedMs - beganMs);
		this.#health = {
			lastLookAt: this.#health.lastLookAt,
			roundMs: looked + failures > 0 ? endedMs - beganMs : this.#health.roundMs,
			consecutiveFailures: this.#failing.size === 0 ? 0 : this.#health.consecutiveFailures + Math.sign(failures),
			failures: this.#health.failures + failures,
		};
	}

	/** Whether it was looked at, or nothing more is to be. */
	async #lookAt(experiment: Experiment, now: Date, wanted: boolean): Promise<boolean> {
		const { store, environment, codeVersion } = this.#options;
		const id = iterationKey(experiment.key, experiment.iteration);
		const minuteMs = Math.floor(now.getTime() / LOOK_EVERY_MS) * LOOK_EVERY_MS;
		const done = this.#done.get(id);
		// Not "at or after": a clock that was set back does not stop the looks.
		if (!wanted && (done === minuteMs || done === Number.POSITIVE_INFINITY)) return false;
		// Set before it succeeds: what fails is not tried again before the next minute.
		this.#done.set(id, minuteMs);

		const key = { experiment: experiment.key, iteration: experiment.iteration, environment };
		const looks = await store.latestLooks({ ...key, until: now });
		const [last] = looks;
		if (experiment.status === "running") {
			// Another service has looked.
			if (!wanted && last?.lookAt.getTime() === minuteMs) return true;
		} else if (
			last === undefined ||
			(last.kind === "final" && now.getTime() - last.lookAt.getTime() > LATE_EVIDENCE_MS)
		) {
			// It never began, or all that there was to say is written.
			this.#done.set(id, Number.POSITIVE_INFINITY);
			return true;
		}

		// Segments are not kept, so they are not asked for.
		const results = await analyzeExperiment({ store, experiment: { ...experiment, segments: [] }, now, environment });
		this.#failedSources.set(
			experiment.key,
			results.warnings
				.filter(({ code }) => code === "metric-source-failed")
				.map(({ message }) => `${experiment.key}: ${message}`),
		);
		const kind = results.status === "running" ? "look" : "final";
		const lookAt = new Date(kind === "look" ? minuteMs : endOf(results, last, minuteMs));
		await store.appendSnapshot(
			snapshotOfResults(results, {
				...{ environment, lookAt, kind, keep: keepOf(kind, lookAt, looks), prompt: experiment.prompt, codeVersion },
			}),
		);
		this.#health = { ...this.#health, lastLookAt: now };
		return true;
	}
}

function seconds(durationMs: number): string {
	return String(Number((durationMs / 1000).toPrecision(2)));
}

/** The moment that the last look belongs to: that of the halt or the end, or the minute in which it was first seen. */
function endOf({ closedAt }: ExperimentResults, last: WrittenLook | undefined, minuteMs: number): number {
	if (closedAt !== null) return Date.parse(closedAt);
	return last?.kind === "final" ? last.lookAt.getTime() : minuteMs;
}

/** The first look of a day is kept for ever, the first of an hour for a month. */
function keepOf(kind: WrittenLook["kind"], lookAt: Date, looks: readonly WrittenLook[]): SnapshotKeep {
	const previous = looks.find((look) => look.lookAt < lookAt);
	const isFirstOf = (spanMs: number) =>
		previous === undefined || Math.floor(previous.lookAt.getTime() / spanMs) < Math.floor(lookAt.getTime() / spanMs);
	if (kind === "final" || isFirstOf(DAY_MS)) return "ever";
	return isFirstOf(HOUR_MS) ? "month" : "day";
}
