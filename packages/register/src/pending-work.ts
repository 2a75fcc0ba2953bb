import type { LogRecordProcessor } from "@opentelemetry/sdk-logs";
import type { SpanProcessor } from "@opentelemetry/sdk-trace";

/** Knows whether anything ended since the last flush, so that leaving the process flushes at most once for nothing. */
export class PendingWork {
	#pending = false;

	/** @returns whether there was anything, and forgets it */
	take(): boolean {
		const pending = this.#pending;
		this.#pending = false;
		return pending;
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
