import type { LogRecordProcessor } from "@opentelemetry/sdk-logs";
import type { SpanProcessor } from "@opentelemetry/sdk-trace";

/** Knows whether anything ended since the last flush, so that leaving the process flushes at most once for nothing. */
export class PendingWork {
	#pending = false;
	readonly #endOpen: () => void;

	/** @param endOpen ends what is only waiting for a chance to end, before it is too late */
	constructor(endOpen: () => void = () => {}) {
		this.#endOpen = endOpen;
	}

	/** @returns whether there was anything, and forgets it */
	take(): boolean {
		this.#endOpen();
		const pending = this.#pending;
		this.#pending = false;
		return pending;
	}

	/** Something came in from elsewhere than this process's spans and events. */
	add(): void {
		this.#pending = true;
	}

	readonly spanProcessor: SpanProcessor = {
		onStart() {},
		onEnd: () => {
			this.#pending = true;
		},
		forceFlush: async () => {},
		shutdown: async () => {},
	};

	readonly logRecordProcessor: LogRecordProcessor = {
		onEmit: () => {
			this.#pending = true;
		},
		forceFlush: async () => {},
		shutdown: async () => {},
	};
}
