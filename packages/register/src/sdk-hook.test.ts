import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runHost } from "./fixtures/host.ts";
import { type OtlpCollector, startOtlpCollector } from "./fixtures/otlp-collector.ts";
import { type Provider, startProvider } from "./fixtures/provider.ts";
import { type TranscribedSdk, transcriptSource } from "./fixtures/sdk-transcripts.ts";

let provider: Provider;
let collector: OtlpCollector;
beforeAll(async () => {
	[provider, collector] = await Promise.all([startProvider(), startOtlpCollector()]);
});
afterAll(() => Promise.all([provider.close(), collector.close()]));
beforeEach(() => {
	collector.spans.length = 0;
});

const LEAVES = new Set<unknown>(["chat", "text_completion", "generate_content", "embeddings"]);

async function transcript(
	sdk: TranscribedSdk,
	type: "module" | "commonjs",
	register: boolean,
	more: Record<string, string> = {},
) {
	const env = { ...more, PROVIDER_URL: provider.url, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
	const host = runHost({ type, source: transcriptSource(sdk, type), env, register });
	expect((await host.exited).code).toBe(0);
	return { stdout: host.stdout(), stderr: host.stderr() };
}

// Everything that the program can see must be the same: answers, errors, shapes of promises and streams, what is unhandled.
describe.each(["module", "commonjs"] as const)("a program (%s)", (type) => {
	it.each([
		["openai", {}, "openai"],
		["anthropic", {}, "anthropic"],
		["anthropic", { NATIVE: "yes" }, "anthropic"],
		["google-genai", {}, "gcp.gemini"],
	] as const)("sees of %s %o what it sees without register, and its calls make spans", async (sdk, env, system) => {
		const without = await transcript(sdk, type, false, env);
		expect(without.stdout).toContain("\ndone true\n");
		expect(without.stdout).not.toContain("\nfailed ");
		expect(collector.spans).toEqual([]);
		expect(await transcript(sdk, type, true, env)).toEqual(without);
		const calls = collector.spans.filter(({ attributes }) => LEAVES.has(attributes["gen_ai.operation.name"]));
		expect(calls.length).toBeGreaterThan(20);
		for (const { attributes } of calls) {
			expect(attributes["gen_ai.provider.name"]).toBe(system);
			expect(JSON.stringify(attributes)).not.toContain("Hello");
		}
	});
});
