import type { TracerProvider } from "@opentelemetry/api";
import type { SpanExporter, SpanProcessor } from "@opentelemetry/sdk-trace";

interface Message {
	role: "system" | "user";
	content: string;
}

export interface LangfusePrompt {
	readonly name: string;
	readonly version: number;
	readonly config: { readonly model: string; readonly temperature: number };
	compile(variables: Record<string, string>): Message[];
}

interface Generation {
	update(attributes: object): Generation;
	end(): void;
}

/** The part of Langfuse's SDK that is compared. Not typed by it, so that the project compiles where it is not installed. */
export interface Langfuse {
	get(name: string, options: { type: "chat"; label?: string; cacheTtlSeconds?: number }): Promise<LangfusePrompt>;
	propagateAttributes<Result>(attributes: { userId: string; prompt: LangfusePrompt }, fn: () => Result): Result;
	startObservation(name: string, attributes: object, options: { asType: "generation" }): Generation;
	observeOpenAI<Client>(client: Client, options?: { langfusePrompt?: LangfusePrompt; userId?: string }): Client;
	/** Which provider its own spans come from. */
	useTracers(provider: TracerProvider): void;
	/** Tags, and hands on to the exporter at once. */
	spanProcessor(exporter: SpanExporter): SpanProcessor;
}

type Parts = Pick<Langfuse, "propagateAttributes" | "startObservation"> & {
	setLangfuseTracerProvider: Langfuse["useTracers"];
};

/** @param baseUrl of the prompt API */
export async function loadLangfuse(baseUrl: string): Promise<Langfuse> {
	const settings = { publicKey: "pk-bench", secretKey: "sk-bench", baseUrl };
	const { LangfuseClient } = await load<{ LangfuseClient: new (options: object) => { prompt: Langfuse } }>(
		"@langfuse/client",
	);
	const { observeOpenAI } = await load<Pick<Langfuse, "observeOpenAI">>("@langfuse/openai");
	const { propagateAttributes, startObservation, setLangfuseTracerProvider } = await load<Parts>("@langfuse/tracing");
	const { LangfuseSpanProcessor } = await load<{ LangfuseSpanProcessor: new (options: object) => SpanProcessor }>(
		"@langfuse/otel",
	);
	const { prompt } = new LangfuseClient(settings);
	return {
		get: (name, options) => prompt.get(name, options),
		propagateAttributes,
		startObservation,
		observeOpenAI,
		useTracers: setLangfuseTracerProvider,
		spanProcessor: (exporter) => new LangfuseSpanProcessor({ ...settings, exporter, exportMode: "immediate" }),
	};
}

async function load<T>(name: string): Promise<T> {
	try {
		return (await import(name)) as T;
	} catch (error) {
		throw new Error(`${name} cannot be loaded; run: npm ci --prefix bench/instrumentation/langfuse`, { cause: error });
	}
}
