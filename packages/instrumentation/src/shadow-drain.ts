/** A stream that goes on for ever, faster than any time limit is looked at, ends here. */
const MAX_CHUNKS = 100_000;
const CHUNKS_PER_TURN = 32;
const MAX_MEMBERS = 20;

type Stop = (reason: unknown) => void;

/**
 * Reads to its end whatever stream an LLM SDK answered with, so that its span is complete and no connection is left
 * with an unread body: `Response`, `ReadableStream`, async iterables, the AI SDK's results, and objects that hold one.
 * Anything else is left alone. When `signal` is aborted the stream is cancelled.
 * @throws what the stream throws, and an error for a stream without end
 */
export async function drain(answer: unknown, signal: AbortSignal): Promise<void> {
	await Promise.all(sourcesIn(answer).map((source) => read(source, signal)));
}

type Chunks = { next(): unknown; stop: Stop };

async function read(source: () => Chunks, signal: AbortSignal): Promise<void> {
	const chunks = source();
	const stop = () => chunks.stop(signal.reason);
	if (signal.aborted) stop();
	signal.addEventListener("abort", stop, { once: true });
	try {
		for (let count = 1; !signal.aborted; count++) {
			const { done } = (await chunks.next()) as { done?: boolean };
			if (done === true) return;
			if (count >= MAX_CHUNKS) {
				const error = new Error(`a shadow's stream had no end after ${MAX_CHUNKS} chunks`);
				chunks.stop(error);
				throw error;
			}
			// Chunks that are already there would keep timers, hence the time limit and the application, waiting.
			if (count % CHUNKS_PER_TURN === 0) await new Promise<void>((turn) => setImmediate(turn));
		}
	} finally {
		signal.removeEventListener("abort", stop);
	}
}

function sourcesIn(answer: unknown): (() => Chunks)[] {
	const source = sourceOf(answer);
	if (source !== undefined) return [source];
	if (typeof answer !== "object" || answer === null || Object.getPrototypeOf(answer) !== Object.prototype) return [];
	// `withResponse()` and the like: the stream is a member.
	return Object.values(answer)
		.slice(0, MAX_MEMBERS)
		.flatMap((member) => sourceOf(member) ?? []);
}

function sourceOf(value: unknown): (() => Chunks) | undefined {
	if (typeof value !== "object" || value === null) return undefined;
	const candidate = value as Readonly<Record<PropertyKey, unknown>>;
	if (isReadableStream(candidate)) return () => readableStream(candidate);
	if (typeof candidate.bodyUsed === "boolean") {
		const { body } = candidate;
		return isReadableStream(body) ? () => readableStream(body) : undefined;
	}
	if (typeof candidate.consumeStream === "function") return () => consumable(candidate);
	if (typeof candidate[Symbol.asyncIterator] === "function") return () => asyncIterable(candidate);
	return undefined;
}

function isReadableStream(value: unknown): value is ReadableStream {
	return typeof (value as { getReader?: unknown } | null)?.getReader === "function";
}

function readableStream(stream: ReadableStream): Chunks {
	// Locked: somebody else reads it, and it is theirs to end.
	if (stream.locked) return { next: () => ({ done: true }), stop: () => {} };
	const reader = stream.getReader();
	return { next: () => reader.read(), stop: (reason) => ignoreRejection(reader.cancel(reason)) };
}

function consumable(result: Readonly<Record<PropertyKey, unknown>>): Chunks {
	return {
		next: async () => {
			await (result.consumeStream as () => unknown)();
			return { done: true };
		},
		stop: () => {},
	};
}

function asyncIterable(source: Readonly<Record<PropertyKey, unknown>>): Chunks {
	const iterator = (source as unknown as AsyncIterable<unknown>)[Symbol.asyncIterator]();
	return {
		next: () => iterator.next(),
		stop() {
			// `return` waits for the chunk under way, which may never come: SDKs' streams hold what ends the request.
			if (source.controller instanceof AbortController) source.controller.abort();
			if (typeof source.destroy === "function") source.destroy();
			ignoreRejection(iterator.return?.());
		},
	};
}

/** What a cancelled stream says about being cancelled is nobody's concern. */
function ignoreRejection(promise: unknown): void {
	Promise.resolve(promise).catch(() => {});
}
