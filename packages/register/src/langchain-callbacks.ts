import { AsyncLocalStorage } from "node:async_hooks";
import { diag } from "@opentelemetry/api";

interface CallbackQueue {
	add(job: (...values: unknown[]) => unknown, ...more: unknown[]): unknown;
}

/** Read by `@armspan/instrumentation`, which tags no callback spans otherwise. */
const BOUND = Symbol.for("armspan.langchain.callbacks-bound");
const WRAPPED = Symbol.for("armspan.wrapped");

/**
 * Makes LangChain's background callbacks run in the async context of the call that they are about. Its queue starts a
 * waiting callback from inside the one that just finished, hence in another request's context when the queue is busy
 * (langchainjs issue 11657), and a span that is made there would carry another user's assignment. Never throws.
 * @param getQueue the function of that name of LangChain's module of callbacks
 * @returns whether callbacks are bound
 */
export function bindLangChainCallbacks(getQueue: unknown): boolean {
	try {
		const queue = (getQueue as () => CallbackQueue & { [WRAPPED]?: true })();
		if (queue[WRAPPED] !== true) {
			const { add } = queue;
			queue.add = function (this: CallbackQueue, job, ...more) {
				return Reflect.apply(add, this, [typeof job === "function" ? AsyncLocalStorage.bind(job) : job, ...more]);
			};
			queue[WRAPPED] = true;
		}
		Object.defineProperty(globalThis, BOUND, { value: true, configurable: true, writable: true });
		return true;
	} catch (error) {
		diag.error("[armspan] LangChain's callbacks could not be bound:", String(error));
		return false;
	}
}
