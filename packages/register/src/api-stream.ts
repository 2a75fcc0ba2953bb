import { followedIterator } from "./followed-iterator.ts";
import type { LlmCall } from "./llm-call.ts";
import { openCalls } from "./open-calls.ts";
import { guarded } from "./traced-call.ts";

interface ApiStream {
	iterator: () => AsyncIterator<unknown>;
	controller?: { signal?: AbortSignal };
}

/**
 * Follows a stream of `openai` or `@anthropic-ai/sdk` until it ends, breaks, fails or is aborted, and ends the span then.
 * Every way of reading a stream (iteration, `tee`, `toReadableStream`) goes through its `iterator`.
 * @returns whether the value is such a stream
 */
export function followApiStream(value: unknown, call: LlmCall): boolean {
	const stream = value as Partial<ApiStream> | null | undefined;
	if (typeof stream !== "object" || stream === null || typeof stream.iterator !== "function") return false;
	const original = stream.iterator;
	const signal = stream.controller?.signal;
	openCalls.abandonWithout(stream, call);
	stream.iterator = function iterator(this: unknown): AsyncIterator<unknown> {
		// Whoever reads need not keep the stream.
		if (typeof this === "object" && this !== null) openCalls.forgetReader(this);
		return followedIterator(Reflect.apply(original, this, []) as AsyncIterator<unknown>, call, {
			isAborted: () => signal?.aborted === true,
			fail: (error) => call.fail(error),
		});
	};
	// An aborted stream that nobody goes on reading has no other end. Later than the event, because the SDK aborts
	// before it hands on an error, and the error must come first.
	const onAbort = () => setImmediate(() => guarded(() => call.abort()));
	signal?.addEventListener("abort", onAbort, { once: true });
	return true;
}
