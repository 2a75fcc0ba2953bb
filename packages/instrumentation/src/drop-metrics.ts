import { ERROR_TYPE } from "@armspan/schema/semconv";
import { type MeterProvider, metrics, type ObservableCounter, type ObservableResult } from "@opentelemetry/api";
import { DROP_REASONS, delivery, type Signal } from "./delivery.ts";

const SCOPE = "@armspan/instrumentation";
const ATTACH_MS = 5_000;

/** OpenTelemetry metrics of telemetry that did not get out, with whichever metrics SDK the process has. */
export class DropMetrics {
	readonly #timer: NodeJS.Timeout;
	#provider: MeterProvider | undefined;
	#detach: (() => void) | undefined;

	constructor() {
		this.attach();
		// The SDK may be set up later, and the API gives no word of it.
		this.#timer = setInterval(() => this.attach(), ATTACH_MS);
		this.#timer.unref();
	}

	/** Goes over to the provider that the process has now. */
	attach(): void {
		try {
			const provider = metrics.getMeterProvider();
			if (provider === this.#provider) return;
			this.#detach?.();
			this.#provider = provider;
			const meter = provider.getMeter(SCOPE);
			const counters = (["spans", "events"] as const).map((signal) => {
				const counter = meter.createObservableCounter(`armspan.${signal}.dropped`, {
					unit: signal === "spans" ? "{span}" : "{event}",
					description: `Telemetry that did not get out: ${signal}, by reason`,
				});
				return observeDrops(counter, signal);
			});
			this.#detach = () => {
				for (const detach of counters) detach();
			};
		} catch {
			// A provider that throws gets no metrics; `status().drops` has them, too.
		}
	}

	close(): void {
		clearInterval(this.#timer);
		this.#detach?.();
		this.#detach = undefined;
	}
}

function observeDrops(counter: ObservableCounter, signal: Signal): () => void {
	const observe = (result: ObservableResult) => {
		for (const reason of DROP_REASONS) result.observe(delivery().drops[signal][reason], { [ERROR_TYPE]: reason });
	};
	counter.addCallback(observe);
	return () => counter.removeCallback(observe);
}
