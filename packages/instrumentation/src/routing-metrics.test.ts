import { type MeterProvider, metrics, type ObservableCallback } from "@opentelemetry/api";
import { afterEach, expect, it, vi } from "vitest";
import { type MeasuredRouting, RoutingMetrics } from "./routing-metrics.ts";

type Observed = [name: string, value: number, attributes: object | undefined];

/** A provider as an SDK has one, to be collected by hand. */
function recordingProvider() {
	const callbacks = new Map<ObservableCallback, string>();
	const counted: Observed[] = [];
	const units = new Map<string, string | undefined>();
	const provider = {
		getMeter: () => ({
			createCounter: (name: string, options?: { unit?: string }) => {
				units.set(name, options?.unit);
				return { add: (value: number, attributes?: object) => void counted.push([name, value, attributes]) };
			},
			createObservableGauge: (name: string, options?: { unit?: string }) => {
				units.set(name, options?.unit);
				return {
					addCallback: (callback: ObservableCallback) => void callbacks.set(callback, name),
					removeCallback: (callback: ObservableCallback) => void callbacks.delete(callback),
				};
			},
		}),
	} as unknown as MeterProvider;
	const collect = (): Observed[] => {
		const observed: Observed[] = [];
		for (const [callback, name] of callbacks) {
			void callback({ observe: (value, attributes) => void observed.push([name, value, attributes]) });
		}
		return observed;
	};
	return { provider, counted, collect, units };
}

let routing: RoutingMetrics | undefined;
afterEach(() => {
	routing?.close();
	metrics.disable();
	vi.useRealTimers();
});

it("says revision, staleness by reason, age and refusals by code", () => {
	const { provider, counted, collect, units } = recordingProvider();
	metrics.setGlobalMeterProvider(provider);
	const measured: { -readonly [K in keyof MeasuredRouting]: MeasuredRouting[K] } = {
		current: undefined,
		staleReason: undefined,
		ageMs: undefined,
	};
	routing = new RoutingMetrics(measured);
	expect(collect()).toEqual([["armspan.routing.stale", 0, undefined]]);
	Object.assign(measured, { current: { revision: 7 }, staleReason: "BUNDLE_TORN", ageMs: 1500 });
	expect(collect()).toEqual([
		["armspan.routing.revision", 7, undefined],
		["armspan.routing.stale", 1, { "armspan.routing.stale.reason": "BUNDLE_TORN" }],
		["armspan.routing.age", 1.5, undefined],
	]);
	routing.refused("BUNDLE_TORN");
	expect(counted).toEqual([["armspan.routing.refused", 1, { "error.type": "BUNDLE_TORN" }]]);
	expect(Object.fromEntries(units)).toEqual({
		"armspan.routing.revision": "{revision}",
		"armspan.routing.stale": "1",
		"armspan.routing.age": "s",
		"armspan.routing.refused": "{refusal}",
	});
	routing.close();
	expect(collect()).toEqual([]);
});

it("finds an SDK that is set up later, and leaves the one before", () => {
	vi.useFakeTimers();
	const [first, second] = [recordingProvider(), recordingProvider()];
	routing = new RoutingMetrics({ current: { revision: 1 }, staleReason: undefined, ageMs: undefined });
	metrics.setGlobalMeterProvider(first.provider);
	vi.advanceTimersByTime(5_000);
	expect(first.collect()).toHaveLength(2);
	metrics.disable();
	metrics.setGlobalMeterProvider(second.provider);
	routing.refused("X");
	expect([first.collect().length, second.collect().length, second.counted.length]).toEqual([0, 2, 1]);
});

it("survives a provider that throws", () => {
	metrics.setGlobalMeterProvider({
		getMeter: () => {
			throw new Error("broken");
		},
	});
	routing = new RoutingMetrics({ current: undefined, staleReason: undefined, ageMs: undefined });
	expect(() => routing?.refused("X")).not.toThrow();
});
