import { expect, it } from "vitest";
import { nodeVersionProblem } from "./node-version.ts";
import { readSettings } from "./settings.ts";

it("sends to loopback by number when nothing is said", () => {
	expect(readSettings({})).toMatchObject({
		sdkDisabled: false,
		exportTraces: true,
		exportLogs: true,
		traceExporter: { url: "http://127.0.0.1:4318/v1/traces", timeoutMillis: 3000 },
		logExporter: { url: "http://127.0.0.1:4318/v1/logs" },
		sampler: { name: "parentbased_always_on", ratio: 1 },
		batchDelayMs: 1000,
		warnings: [],
	});
});

it("leaves what OpenTelemetry's variables say to the exporters", () => {
	const general = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318", OTEL_EXPORTER_OTLP_TIMEOUT: "9000" };
	expect(readSettings(general).traceExporter).toEqual({});
	const own = readSettings({ OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "http://logs:1/v1/logs" });
	expect(own.logExporter).not.toHaveProperty("url");
	expect(own.traceExporter).toHaveProperty("url");
	expect(readSettings({ OTEL_SDK_DISABLED: "TRUE" }).sdkDisabled).toBe(true);
	expect(readSettings({ OTEL_TRACES_EXPORTER: "none" })).toMatchObject({ exportTraces: false, exportLogs: true });
});

it("says what it cannot do, and goes on with the default", () => {
	const { warnings, batchDelayMs, exportLogs } = readSettings({
		OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
		OTEL_LOGS_EXPORTER: "console",
		OTEL_BSP_SCHEDULE_DELAY: "soon",
	});
	expect(warnings).toHaveLength(3);
	expect([batchDelayMs, exportLogs]).toEqual([1000, true]);
});

it("takes the sampler that is asked for, and no other", () => {
	const ratio = { OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.25" };
	expect(readSettings(ratio).sampler).toEqual({ name: "traceidratio", ratio: 0.25 });
	for (const wrong of [{ OTEL_TRACES_SAMPLER: "jaeger_remote" }, { OTEL_TRACES_SAMPLER_ARG: "2" }]) {
		const { sampler, warnings } = readSettings(wrong);
		expect(sampler).toEqual({ name: "parentbased_always_on", ratio: 1 });
		expect(warnings).toHaveLength(1);
	}
});

it("knows which Node is too old", () => {
	for (const version of ["v22.15.0", "v22.22.3", "v23.0.0", "v26.10.0"])
		expect(nodeVersionProblem(version)).toBeUndefined();
	for (const version of ["v20.20.2", "v22.14.9", "v18.0.0"]) {
		expect(nodeVersionProblem(version)).toContain("22.15 or newer");
	}
});
