import { type Application, installedVersion } from "./application.ts";

interface LlmSdk {
	readonly packageName: string;
	/** Major versions that register instruments; none when it makes no spans for this SDK. */
	readonly instrumentedMajors: readonly number[];
	/** What to do when it is not one of them. */
	readonly advice: string;
	/** Packages that make its spans; one that is installed is taken to be in use. */
	readonly alternatives: readonly string[];
}

const SDKS: readonly LlmSdk[] = [
	{
		packageName: "openai",
		instrumentedMajors: [4, 5, 6, 7],
		advice: "install openai 4.19 to 7",
		alternatives: ["@arizeai/openinference-instrumentation-openai", "openlit"],
	},
	{
		packageName: "@anthropic-ai/sdk",
		instrumentedMajors: [0, 1],
		advice: "install @anthropic-ai/sdk 0.39 to 1",
		alternatives: [
			"@traceloop/instrumentation-anthropic",
			"@arizeai/openinference-instrumentation-anthropic",
			"openlit",
		],
	},
	{
		packageName: "@google/genai",
		instrumentedMajors: [1, 2, 3],
		advice: "install @google/genai 1 to 3",
		alternatives: [],
	},
	{
		packageName: "@google/generative-ai",
		instrumentedMajors: [],
		advice: "add openlit",
		alternatives: ["@traceloop/instrumentation-google-generativeai", "openlit"],
	},
	{
		packageName: "ai",
		instrumentedMajors: [],
		advice: "add @ai-sdk/otel and call registerTelemetry()",
		alternatives: ["@ai-sdk/otel"],
	},
	{
		packageName: "@langchain/core",
		instrumentedMajors: [],
		advice: "add @arizeai/openinference-instrumentation-langchain",
		alternatives: [
			// Their models call an SDK that is instrumented here: spans of LangChain's besides would count calls twice.
			"@langchain/openai",
			"@langchain/anthropic",
			"@arizeai/openinference-instrumentation-langchain",
			"@traceloop/instrumentation-langchain",
		],
	},
	...["@mistralai/mistralai", "cohere-ai", "groq-sdk", "ollama", "@aws-sdk/client-bedrock-runtime"].map(
		(packageName) => ({
			packageName,
			instrumentedMajors: [],
			advice: "start the span yourself inside run(), or add openlit",
			alternatives: ["openlit"],
		}),
	),
];

/**
 * Looks for LLM SDKs that the application can load and that will yield no spans, hence no evidence.
 * @returns one line naming each, why, and what to do; `undefined` when all is well
 */
export function selfCheck(application: Application): string | undefined {
	const found: string[] = [];
	for (const sdk of SDKS) {
		const version = installedVersion(application, sdk.packageName);
		if (version === undefined || sdk.instrumentedMajors.includes(Number.parseInt(version, 10))) continue;
		if (sdk.alternatives.some((name) => installedVersion(application, name) !== undefined)) continue;
		const why =
			sdk.instrumentedMajors.length === 0 ? "has no instrumentation here" : "is a version not instrumented here";
		found.push(`${sdk.packageName} ${version} ${why} (${sdk.advice})`);
	}
	if (found.length === 0) return undefined;
	return `no spans will be made for: ${found.join("; ")}. ARMSPAN_SELF_CHECK=off silences this`;
}
