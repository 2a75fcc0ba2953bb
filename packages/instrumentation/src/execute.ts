import type { CallRecorder } from "./call-recorder.ts";
import type { PromptCall } from "./prompt-call.ts";
import { ArmspanRoutedPrompt, type RoutedPrompt } from "./routed-prompt.ts";
import type { ShadowRunner } from "./shadow-runner.ts";

/** One call that Armspan makes through the function it is given. */
export interface ExecuteCall extends PromptCall {
	/** Cancels the call; its shadow goes on. Handed to the function as `signal`. */
	readonly signal?: AbortSignal | undefined;
	/** When the shadow's signal is aborted, in milliseconds: 1 to 600,000, default 60,000. */
	readonly shadowTimeoutMs?: number | undefined;
}

/** How the function is called. */
export interface Execution {
	/** Of the live call the caller's own, of the shadow its time limit. Pass it on to the LLM SDK. */
	readonly signal: AbortSignal;
	/** Nobody sees the answer: keep it out of whatever the application remembers. */
	readonly isShadow: boolean;
}

/** What makes the LLM call. Runs a second time when the unit is in a shadow experiment. */
export type ExecuteFunction<Result> = (prompt: RoutedPrompt, execution: Execution) => Result;

/**
 * Makes the live call, and after it was started schedules its shadow.
 * @returns exactly what `fn` returns
 * @throws exactly what `fn` throws
 */
export function execute<Result>(
	routed: ArmspanRoutedPrompt,
	call: ExecuteCall | undefined,
	fn: ExecuteFunction<Result>,
	recorder: CallRecorder,
	shadows: ShadowRunner,
): Result {
	const result = executeLive(routed, call, fn);
	recorder.guard(() => {
		shadows.applicationAtWork();
		const { shadow } = routed;
		// A live call that had nothing to send has nothing to be compared with.
		if (shadow === undefined || routed.error !== undefined) return;
		shadows.schedule({
			limits: shadow.limits,
			experiment: shadow.assignment.experiment ?? "",
			timeoutMs: call?.shadowTimeoutMs,
			// Rendered at once, from the same variables: the application may change them before the shadow runs.
			render: () => routed.shadowPrompt(shadow, call?.variables),
			fn,
		});
	});
	return result;
}

/** The live call alone. */
export function executeLive<Result>(
	routed: RoutedPrompt,
	call: ExecuteCall | undefined,
	fn: ExecuteFunction<Result>,
): Result {
	const execution = new LiveExecution(call);
	const make = () => fn(routed, execution);
	return routed instanceof ArmspanRoutedPrompt ? routed.runLive(make) : routed.run(make);
}

class LiveExecution implements Execution {
	readonly isShadow = false;
	readonly #call: ExecuteCall | undefined;
	#signal: AbortSignal | undefined;

	constructor(call: ExecuteCall | undefined) {
		this.#call = call;
	}

	/** One of its own for each call: listeners on a signal that all calls share would never be collected. */
	get signal(): AbortSignal {
		this.#signal ??= givenSignal(this.#call) ?? new AbortController().signal;
		return this.#signal;
	}
}

function givenSignal(call: ExecuteCall | undefined): AbortSignal | undefined {
	try {
		const signal = call?.signal;
		return signal instanceof AbortSignal ? signal : undefined;
	} catch {
		// A call that cannot be read names no signal.
		return undefined;
	}
}
