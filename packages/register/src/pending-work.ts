import type { LogRecordProcessor } from "@opentelemetry/sdk-logs";
import type { SpanProcessor } from "@opentelemetry/sdk-trace";
import { openCalls } from "./open-calls.ts";

/** Knows whether anything ended since the last flush, so that leaving the process flushes at most once for nothing. */
export class PendingWork {
	#pending = false;
	readonly #endOpen: () => void;

	/** @param endOpen ends what is only waiting for a chance to end, before it is too late */
	constructor(endOpen: () => void = () => {}) {
		this.#endOpen = endOpen;
	}

	/**
	 * @param isLeaving no call will end any more by itself
	 * @returns whether there was anything, and forgets it
	 */
	take(isLeaving = false): boolean {
		this.#endOpen();
		if (isLeaving) openCalls.abandonAll();
		const pending = this.#pending;
		this.#pending = false;
		return pending;
	}

	/** Something came in from elsewhere than this process's spans and events. */
	add(): void {
		this.#pending = true;
	}

	readonly spanProcessor: SpanProcessor = new PendingSpanProcessor(() => {
		this.#pending = true;
	});

	readonly logRecordProcessor: LogRecordProcessor = {
		onEmit: () => {
			this.#pending = true;
		},
		forceFlush: async () => {},
		shutdown: async () => {},
	};
}

/** A class, so that `armspan doctor` has a name to show. */
class PendingSpanProcessor implements SpanProcessor {
	readonly onEnd: () => void;

	constructor(onEnd: () => void) {
		this.onEnd = onEnd;
	}

	onStart(): void {}

	async forceFlush(): Promise<void> {}

	async shutdown(): Promise<void> {}
}
