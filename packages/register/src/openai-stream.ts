import { diag } from "@opentelemetry/api";
import type { OpenAiCall } from "./openai-call.ts";

interface OpenAiStream {
	iterator: () => AsyncIterator<unknown>;
	controller?: { signal?: AbortSignal };
}

/**
 * Follows a stream of the `openai` package until it ends, breaks, fails or is aborted, and ends the span then.
 * Every way of reading a stream (iteration, `tee`, `toReadableStream`) goes through its `iterator`.
 * @returns whether the value is such a stream
 */
export function observeStream(value: unknown, call: OpenAiCall): boolean {
	const stream = value as Partial<OpenAiStream> | null | undefined;
	if (typeof stream !== "object" || stream === null || typeof stream.iterator !== "function") return false;
	const original = stream.iterator;
	stream.iterator = function iterator(this: unknown): AsyncIterator<unknown> {
		return observeIterator(Reflect.apply(original, this, []) as AsyncIterator<unknown>, call);
	};
	// An aborted stream that nobody goes on reading has no other end. Later than the event, because the SDK aborts
	// before it hands on an error, and the error must come first.
	const onAbort = () => setImmediate(() => quietly(() => call.end()));
	stream.controller?.signal?.addEventListener("abort", onAbort, { once: true });
	return true;
}

function observeIterator(source: AsyncIterator<unknown>, call: OpenAiCall): AsyncIterator<unknown> {
	const follow = async (step: Promise<IteratorResult<unknown>>): Promise<IteratorResult<unknown>> => {
		let result: IteratorResult<unknown>;
		try {
			result = await step;
		} catch (error) {
			quietly(() => call.fail(error));
			throw error;
		}
		quietly(() => (result.done === true ? call.end() : call.chunk(result.value)));
		return result;
	};
	const iterator: AsyncIterator<unknown> & Record<PropertyKey, unknown> = {
		next: (...values) => follow(source.next(...values)),
		[Symbol.asyncIterator]: () => iterator,
	};
	const stop = source.return?.bind(source);
	if (stop !== undefined) {
		iterator.return = async (value) => {
			// The reader has seen enough; waiting for the connection to close would only lengthen the span.
			quietly(() => call.end());
			return stop(value);
		};
		iterator[Symbol.asyncDispose] = async () => {
			await iterator.return?.();
		};
	}
	const raise = source.throw?.bind(source);
	if (raise !== undefined) iterator.throw = (error) => follow(raise(error));
	return iterator;
}

function quietly(part: () => void): void {
	try {
		part();
	} catch (error) {
		diag.error("[armspan] openai stream:", String(error));
	}
}
