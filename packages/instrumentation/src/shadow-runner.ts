import { AsyncLocalStorage } from "node:async_hooks";
import type { RoutingShadow } from "@armspan/schema";
import { context, ROOT_CONTEXT } from "@opentelemetry/api";
import type { CallRecorder } from "./call-recorder.ts";
import type { ExecuteFunction } from "./execute.ts";
import type { ArmspanRoutedPrompt } from "./routed-prompt.ts";
import { ShadowBudget } from "./shadow-budget.ts";
import { drain } from "./shadow-drain.ts";
import { ExitWatch } from "./shadow-exit-watch.ts";

const DEFAULT_TIMEOUT_MS = 60_000;
const MAX_TIMEOUT_MS = 600_000;

/** Nothing of the request that the live call belongs to: neither its trace, nor its cancellation, nor its transaction. */
const outsideOfRequests = AsyncLocalStorage.snapshot();

export interface ScheduledShadow {
	readonly limits: RoutingShadow;
	/** Its limits are those of the experiment, whatever prompt and arm. */
	readonly experiment: string;
	readonly timeoutMs: unknown;
	render(): ArmspanRoutedPrompt;
	readonly fn: ExecuteFunction<unknown>;
}

/**
 * Makes shadow calls: after the live call, within limits, each in a context of its own, so that its spans begin a trace
 * that is linked to the live call's. Whatever comes of them is counted and discarded.
 */
export class ShadowRunner {
	readonly #recorder: CallRecorder;
	readonly #budgets = new Map<string, ShadowBudget>();
	readonly #running = new Set<AbortController>();
	readonly #exitWatch = new ExitWatch(
		() => this.#running.size,
		() => this.#abortAll("the application has nothing else to do"),
	);
	readonly #now: () => number;
	#closed = false;

	/** @param now milliseconds of a clock that never goes back */
	constructor(recorder: CallRecorder, now: () => number = () => performance.now()) {
		this.#recorder = recorder;
		this.#now = now;
	}

	/** Told at every call: an application that makes calls is not about to end. */
	applicationAtWork(): void {
		this.#exitWatch.callMade();
	}

	/** Schedules a shadow, or counts it as dropped when the experiment's limits are reached. */
	schedule(shadow: ScheduledShadow): void {
		const { counters } = this.#recorder;
		const { limits, experiment } = shadow;
		let budget = this.#budgets.get(experiment);
		if (budget === undefined) {
			budget = new ShadowBudget(limits, this.#now);
			this.#budgets.set(experiment, budget);
		}
		if (this.#closed || !budget.take(limits)) {
			counters.shadowDropped++;
			return;
		}
		let prompt: ArmspanRoutedPrompt;
		try {
			prompt = shadow.render();
		} catch (error) {
			budget.release();
			throw error;
		}
		if (prompt.error !== undefined) {
			counters.shadowFailed++;
			this.#recorder.warnOnce(`shadow: ${prompt.error.message}`);
			budget.release();
			return;
		}
		const release = () => budget.release();
		outsideOfRequests(() => {
			// Unreferenced: a process that has nothing else to do does not stay for a shadow.
			setImmediate(() => void this.#run(shadow, prompt).finally(release)).unref();
		});
	}

	close(): void {
		this.#closed = true;
		this.#abortAll("Armspan was closed");
	}

	/** Ends when the shadow has, and never rejects. Its place is taken until then, also when it ignores its signal. */
	async #run({ fn, timeoutMs }: ScheduledShadow, prompt: ArmspanRoutedPrompt): Promise<void> {
		const { counters } = this.#recorder;
		if (this.#closed) {
			counters.shadowDropped++;
			return;
		}
		counters.shadowCalls++;
		const controller = new AbortController();
		const { signal } = controller;
		const limitMs = readTimeout(timeoutMs);
		const timer = setTimeout(() => {
			controller.abort(new DOMException(`a shadow ends after ${limitMs} ms`, "TimeoutError"));
		}, limitMs);
		timer.unref();
		let failed = false;
		const fail = () => {
			if (!failed) counters.shadowFailed++;
			failed = true;
		};
		signal.addEventListener("abort", fail, { once: true });
		this.#running.add(controller);
		this.#exitWatch.start();
		try {
			const answer = context.with(ROOT_CONTEXT, () => prompt.run(() => fn(prompt, { signal, isShadow: true })));
			await drain(await answer, signal);
		} catch {
			// Its span says what went wrong; the application has nothing to do with it.
			fail();
		} finally {
			clearTimeout(timer);
			signal.removeEventListener("abort", fail);
			this.#running.delete(controller);
		}
	}

	#abortAll(why: string): void {
		for (const controller of this.#running) {
			controller.abort(new DOMException(why, "AbortError"));
		}
	}
}

function readTimeout(value: unknown): number {
	return typeof value === "number" && value >= 1 && value <= MAX_TIMEOUT_MS ? value : DEFAULT_TIMEOUT_MS;
}
