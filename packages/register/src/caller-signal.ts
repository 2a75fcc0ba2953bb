import { type Context, createContextKey } from "@opentelemetry/api";
import { activeContext, withContext } from "./otel-globals.ts";
import { fieldsOf } from "./sdk-dialect.ts";
import { wrapMethod } from "./wrap-method.ts";

const SIGNALS_KEY = createContextKey("armspan.register.caller-signals");

/** The signals by which the caller may end a request: its own, and that of a helper around it. */
export class CallerSignals {
	readonly #signals: readonly unknown[];

	constructor(signals: readonly unknown[] = []) {
		this.#signals = signals.filter((signal) => signal !== undefined && signal !== null);
	}

	with(signal: unknown): CallerSignals {
		return signal === undefined || signal === null ? this : new CallerSignals([...this.#signals, signal]);
	}

	/**
	 * Whether the caller stopped waiting because it took too long: the reason's name says so, as with
	 * `AbortSignal.timeout()`. SDKs tell that from no other abort.
	 */
	isTimedOut(): boolean {
		return this.#signals.some((signal) => {
			const { aborted, reason } = fieldsOf(signal);
			const { name } = fieldsOf(reason);
			return aborted === true && typeof name === "string" && /timeout/i.test(name);
		});
	}
}

export function callerSignals(context: Context): CallerSignals {
	const found = context.getValue(SIGNALS_KEY);
	return found instanceof CallerSignals ? found : new CallerSignals();
}

/** Spans that an SDK starts in this context are of a request that the signals may end. */
export function withCallerSignals(context: Context, signals: CallerSignals): Context {
	return context.setValue(SIGNALS_KEY, signals);
}

/** Helpers put a signal of their own in the place of the caller's, and lose its reason on the way. */
export function keepCallersSignal(prototype: object | undefined, helper: string): void {
	wrapMethod(prototype, helper, (original, self, values) => {
		const { signal } = fieldsOf(values[1]);
		const outer = activeContext();
		const invoke = () => Reflect.apply(original, self, values);
		if (signal === undefined || signal === null) return invoke();
		return withContext(withCallerSignals(outer, callerSignals(outer).with(signal)), invoke);
	});
}
