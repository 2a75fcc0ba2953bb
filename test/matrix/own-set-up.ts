import { importLine, type ModuleType } from "./sdk-program.ts";

/** A line of OpenTelemetry JS that an application has set up by itself. */
export interface OtelLine {
	readonly name: string;
	readonly packages: Readonly<Record<string, string>>;
	readonly imports: Readonly<Record<string, string>>;
	/** Expression for a processor that exports. */
	readonly exporting: string;
}

export const OTEL_3: OtelLine = {
	name: "3.x",
	packages: {
		"@opentelemetry/api": "1.10.0",
		"@opentelemetry/exporter-trace-otlp-proto": "0.301.0",
		"@opentelemetry/sdk-node": "0.301.0",
		"@opentelemetry/sdk-trace": "3.1.0",
	},
	imports: {
		"@opentelemetry/exporter-trace-otlp-proto": "OTLPTraceExporter",
		"@opentelemetry/sdk-node": "NodeSDK",
		"@opentelemetry/sdk-trace": "BatchSpanProcessor",
	},
	exporting: "new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })",
};

export const OTEL_2: OtelLine = {
	name: "2.x",
	packages: {
		"@opentelemetry/api": "1.9.1",
		"@opentelemetry/exporter-trace-otlp-proto": "0.223.0",
		"@opentelemetry/sdk-node": "0.223.0",
		"@opentelemetry/sdk-trace-base": "2.12.1",
	},
	imports: {
		"@opentelemetry/exporter-trace-otlp-proto": "OTLPTraceExporter",
		"@opentelemetry/sdk-node": "NodeSDK",
		"@opentelemetry/sdk-trace-base": "BatchSpanProcessor",
	},
	exporting: "new BatchSpanProcessor(new OTLPTraceExporter())",
};

/** Statements for the start of a program, as an application's own set-up has them; `beforeExit` sends what there is. */
export function ownSetUp(type: ModuleType, line: OtelLine): string {
	const imports = { ...line.imports, "@armspan/register/own-set-up": "armspanSpanProcessors" };
	return `${Object.entries(imports)
		.map(([from, names]) => importLine(type, names, from))
		.join("\n")}
const sdk = new NodeSDK({ spanProcessors: [...armspanSpanProcessors(), ${line.exporting}], metricReaders: [], instrumentations: [] });
sdk.start();
armspan.start();
process.once("beforeExit", () => sdk.shutdown());
`;
}
