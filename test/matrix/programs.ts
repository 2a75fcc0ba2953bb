import { writeSupportBundle } from "../../packages/instrumentation/src/fixtures/support-bundle.ts";
import { type OtlpCollector, startOtlpCollector } from "../../packages/register/src/fixtures/otlp-collector.ts";
import { startProvider } from "../../packages/register/src/fixtures/provider.ts";

/** What programs of any SDK need around them: a provider, somebody who takes the spans, and a routing bundle. */
export interface Surroundings {
	readonly env: Readonly<Record<string, string>>;
	readonly collector: OtlpCollector;
	close(): Promise<void>;
}

export async function startSurroundings(): Promise<Surroundings> {
	const [provider, collector] = await Promise.all([startProvider(), startOtlpCollector()]);
	// Answers take a while, each its own, so that they come in another order than they were asked for.
	const slower = JSON.stringify({ latencyScale: 0.05 });
	await (await fetch(`${provider.url}/control`, { method: "POST", body: slower })).body?.cancel();
	return {
		env: {
			ARMSPAN_ROUTING: await writeSupportBundle(),
			OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
			OPENAI_BASE_URL: `${provider.url}/v1`,
			OPENAI_API_KEY: "none",
			ANTHROPIC_BASE_URL: provider.url,
			ANTHROPIC_API_KEY: "none",
			GOOGLE_GEMINI_BASE_URL: provider.url,
			GEMINI_API_KEY: "none",
		},
		collector,
		close: async () => {
			await Promise.all([provider.close(), collector.close()]);
		},
	};
}
