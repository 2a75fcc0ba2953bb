import {
	ARMSPAN_ROUTING_STALE_REASON,
	ERROR_TYPE,
	METRIC_ARMSPAN_ROUTING_AGE,
	METRIC_ARMSPAN_ROUTING_REFUSED,
	METRIC_ARMSPAN_ROUTING_REVISION,
	METRIC_ARMSPAN_ROUTING_STALE,
} from "@armspan/schema/semconv";
import { type Counter, type MeterProvider, metrics, type ObservableResult } from "@opentelemetry/api";

/** What there is to measure; read when metrics are collected. */
export interface MeasuredRouting {
	readonly current: { readonly revision: number } | undefined;
	readonly staleReason: string | undefined;
	readonly ageMs: number | undefined;
}

const SCOPE = "@armspan/instrumentation";
const ATTACH_MS = 5_000;

/** OpenTelemetry metrics of the routing bundle in force. */
export class RoutingMetrics {
	readonly #routing: MeasuredRouting;
	readonly #timer: NodeJS.Timeout;
	#provider: MeterProvider | undefined;
	#detach: (() => void) | undefined;
	#refusals: Counter | undefined;

	constructor(routing: MeasuredRouting) {
		this.#routing = routing;
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
			this.#register(provider);
		} catch {
			// A provider that throws gets no metrics; calls go on.
			this.#refusals = undefined;
		}
	}

	/** @param code why a bundle was refused, or the source could not be used */
	refused(code: string): void {
		this.attach();
		try {
			this.#refusals?.add(1, { [ERROR_TYPE]: code });
		} catch {
			// `status().counters` has it, too.
		}
	}

	close(): void {
		clearInterval(this.#timer);
		this.#detach?.();
		this.#detach = undefined;
	}

	#register(provider: MeterProvider): void {
		const meter = provider.getMeter(SCOPE);
		this.#refusals = meter.createCounter(METRIC_ARMSPAN_ROUTING_REFUSED, {
			unit: "{refusal}",
			description: "Routing bundles refused and sources that could not be used, by error code, once per cause",
		});
		const detachers = [
			gauge("{revision}", METRIC_ARMSPAN_ROUTING_REVISION, "Revision of the routing bundle in force", (result) => {
				const { current } = this.#routing;
				if (current !== undefined) result.observe(current.revision);
			}),
			gauge("1", METRIC_ARMSPAN_ROUTING_STALE, "1 while the routing bundle may not be the newest, else 0", (result) => {
				const { staleReason } = this.#routing;
				if (staleReason === undefined) result.observe(0);
				else result.observe(1, { [ARMSPAN_ROUTING_STALE_REASON]: staleReason });
			}),
			gauge(
				"s",
				METRIC_ARMSPAN_ROUTING_AGE,
				"Since the source last confirmed the routing bundle in force",
				(result) => {
					const { ageMs } = this.#routing;
					if (ageMs !== undefined) result.observe(ageMs / 1000);
				},
			),
		];
		this.#detach = () => {
			for (const detach of detachers) detach();
		};

		function gauge(unit: string, name: string, description: string, observe: (result: ObservableResult) => void) {
			const instrument = meter.createObservableGauge(name, { unit, description });
			instrument.addCallback(observe);
			return () => instrument.removeCallback(observe);
		}
	}
}
