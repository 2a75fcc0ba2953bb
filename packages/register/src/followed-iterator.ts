import type { LlmCall } from "./llm-call.ts";
import { openCalls } from "./open-calls.ts";
import { guarded } from "./traced-call.ts";

interface FollowOptions {
	/** Whether the caller aborted the request: SDKs then end a stream quietly. */
	readonly isAborted: () => boolean;
	readonly fail: (error: unknown) => void;
}

/** Reads for the reader and tells the call: every event, and how the stream ended, broke off or failed. */
export function followedIterator(
	source: AsyncIterator<unknown>,
	call: LlmCall,
	{ isAborted, fail }: FollowOptions,
): AsyncIterator<unknown> & AsyncDisposable & AsyncIterable<unknown> {
	const follow = async (step: Promise<IteratorResult<unknown>>): Promise<IteratorResult<unknown>> => {
		let result: IteratorResult<unknown>;
		try {
			result = await step;
		} catch (error) {
			guarded(() => fail(error));
			throw error;
		}
		guarded(() => {
			if (result.done !== true) call.chunk(result.value);
			else if (isAborted()) call.abort();
			else call.end();
		});
		return result;
	};
	const iterator: AsyncIterator<unknown> & AsyncDisposable & AsyncIterable<unknown> = {
		next: (...values) => follow(source.next(...values)),
		[Symbol.asyncIterator]: () => iterator,
		[Symbol.asyncDispose]: async () => {
			await iterator.return?.();
		},
	};
	const stop = source.return?.bind(source);
	if (stop !== undefined) {
		iterator.return = async (value) => {
			// The reader has seen enough; waiting for the connection to close would only lengthen the span.
			guarded(() => call.abort());
			return stop(value);
		};
	}
	const raise = source.throw?.bind(source);
	if (raise !== undefined) iterator.throw = (error) => follow(raise(error));
	openCalls.abandonWithout(iterator, call);
	return iterator;
}
