/** How a program that uses one LLM SDK is written, as source text, so that it can be an ES module and CommonJS. */
export interface SdkProgram {
	/** Name in tables, and the prefix of its users. */
	readonly name: string;
	/** What the application installs, exactly pinned. */
	readonly packages: Readonly<Record<string, string>>;
	/** Named imports by module. */
	readonly imports: Readonly<Record<string, string>>;
	/** Statements that run once. */
	readonly setUp: string;
	/**
	 * An async arrow function of `(prompt, user, streamed)` that asks the model inside `prompt.run`, reads a stream
	 * outside of it, and gives the response's id. The provider makes the id from the user, so it proves whose call it was.
	 */
	readonly ask: string;
	/** Operations of the spans that one call makes, in alphabetical order. */
	readonly operations: readonly string[];
}

const SPLIT = `
	const system = messages.filter(({ role }) => role === "system").map(({ content }) => content).join("\\n");
	const turns = messages.filter(({ role }) => role !== "system");`;

export const SDK_PROGRAMS: readonly SdkProgram[] = [
	{
		name: "openai",
		packages: { openai: "7.55.0" },
		imports: { openai: "OpenAI" },
		setUp: "const openai = new OpenAI({ maxRetries: 0 });",
		ask: `async ({ messages, model, config, run }, user, streamed) => {
	if (!streamed) return (await run(() => openai.chat.completions.create({ ...config, model, messages, user }))).id;
	const stream = await run(() => openai.chat.completions.create({ ...config, model, messages, user, stream: true }));
	let id;
	for await (const chunk of stream) id = chunk.id;
	return id;
}`,
		operations: ["chat"],
	},
	{
		name: "anthropic",
		packages: { "@anthropic-ai/sdk": "1.11.0" },
		imports: { "@anthropic-ai/sdk": "Anthropic" },
		setUp: "const anthropic = new Anthropic({ maxRetries: 0 });",
		ask: `async ({ messages, model, config, run }, user, streamed) => {${SPLIT}
	const request = { max_tokens: 100, ...config, model, system, messages: turns, metadata: { user_id: user } };
	if (!streamed) return (await run(() => anthropic.messages.create(request))).id;
	const stream = await run(() => anthropic.messages.create({ ...request, stream: true }));
	let id;
	for await (const event of stream) id = event.message?.id ?? id;
	return id;
}`,
		operations: ["chat"],
	},
	{
		name: "google-genai",
		packages: { "@google/genai": "3.1.0" },
		imports: { "@google/genai": "GoogleGenAI" },
		setUp: "const google = new GoogleGenAI({ apiKey: process.env.GEMINI_API_KEY });",
		ask: `async ({ messages, model, config, run }, user, streamed) => {${SPLIT}
	const request = {
		model,
		contents: turns.map(({ content }) => ({ role: "user", parts: [{ text: content }] })),
		config: { ...config, systemInstruction: system, httpOptions: { headers: { "x-simulated-user": user } } },
	};
	if (!streamed) return (await run(() => google.models.generateContent(request))).responseId;
	const stream = await run(() => google.models.generateContentStream(request));
	let id;
	for await (const chunk of stream) id = chunk.responseId ?? id;
	return id;
}`,
		operations: ["generate_content"],
	},
	{
		name: "ai",
		packages: { ai: "7.0.173", "@ai-sdk/otel": "1.0.173", "@ai-sdk/openai": "4.0.118" },
		imports: {
			ai: "generateText, registerTelemetry, streamText",
			"@ai-sdk/otel": "OpenTelemetry",
			"@ai-sdk/openai": "openai as aiSdkOpenAi",
		},
		setUp: "registerTelemetry(new OpenTelemetry());",
		ask: `async ({ messages, model, config, run }, user, streamed) => {
	const request = {
		...config, messages, model: aiSdkOpenAi(model), allowSystemInMessages: true, maxRetries: 0,
		headers: { "x-simulated-user": user },
		telemetry: { functionId: user, recordInputs: false, recordOutputs: false },
	};
	if (!streamed) return (await run(() => generateText(request))).response.id;
	const result = run(() => streamText(request));
	for await (const _text of result.textStream);
	return (await result.response).id;
}`,
		operations: ["agent_step", "chat", "invoke_agent"],
	},
	{
		name: "langchain",
		packages: { "@langchain/core": "1.2.13", "@langchain/openai": "1.6.0" },
		imports: { "@langchain/openai": "ChatOpenAI" },
		setUp: "",
		ask: `async ({ messages, model, config, run }, user, streamed) => {
	const chat = new ChatOpenAI({ ...config, model, maxRetries: 0, user });
	const input = messages.map(({ role, content }) => [role, content]);
	if (!streamed) return (await run(() => chat.invoke(input))).id;
	let id;
	for await (const chunk of await run(() => chat.stream(input))) if (chunk.id?.startsWith("chatcmpl")) id = chunk.id;
	return id;
}`,
		operations: ["chat"],
	},
	{
		name: "openai-agents",
		packages: { "@openai/agents": "0.20.0", zod: "4.6.7" },
		imports: { "@openai/agents": "Agent, run as runAgent, setTracingDisabled, system, user as userMessage" },
		setUp: "setTracingDisabled(true);",
		ask: `async ({ messages, model, config, run }, user, streamed) => {
	const agent = new Agent({ name: "Support", model, modelSettings: { ...config, providerData: { user } } });
	const items = messages.map(({ role, content }) => (role === "system" ? system : userMessage)(content));
	if (!streamed) return (await run(() => runAgent(agent, items))).lastResponseId;
	const result = await run(() => runAgent(agent, items, { stream: true }));
	for await (const _event of result);
	return result.lastResponseId;
}`,
		operations: ["chat"],
	},
];

export type ModuleType = "module" | "commonjs";

/**
 * A program in which users of all these SDKs ask at the same time, every second one streaming. It prints one JSON line
 * per user: `{ sdk, user, id, version, variant }`.
 * @param before statements ahead of everything, such as an OpenTelemetry set-up
 */
export function interleavedProgram(
	type: ModuleType,
	sdks: readonly SdkProgram[],
	usersPerSdk: number,
	before = "",
): string {
	const imports = Object.entries(
		Object.assign({ "@armspan/instrumentation": "armspan" }, ...sdks.map(({ imports }) => imports)) as Record<
			string,
			string
		>,
	).map(([from, names]) => importLine(type, names, from));
	return `${imports.join("\n")}
${before}
${sdks.map(({ setUp }) => setUp).join("\n")}
const ASK = {
${sdks.map(({ name, ask }) => `${JSON.stringify(name)}: ${ask}`).join(",\n")}
};
async function converse(sdk, index) {
	const user = sdk + "-u" + index;
	// Users come in an order of their own, some at once and some while others wait for an answer.
	await new Promise((resolve) => setTimeout(resolve, (index * 7) % 40));
	const prompt = armspan.prompt("support-reply", { user, variables: { question: "I am " + user + "." } });
	await null;
	const id = await ASK[sdk](prompt, user, index % 2 === 1);
	console.log(JSON.stringify({ sdk, user, id, version: prompt.version, variant: prompt.variant }));
}
const all = [];
for (let index = 0; index < ${usersPerSdk}; index++) for (const sdk of Object.keys(ASK)) all.push(converse(sdk, index));
Promise.all(all).catch((error) => { console.error(error); process.exitCode = 1; });
`;
}

export function importLine(type: ModuleType, names: string, from: string): string {
	if (type === "module") return `import { ${names} } from ${JSON.stringify(from)};`;
	return `const { ${names.replaceAll(" as ", ": ")} } = require(${JSON.stringify(from)});`;
}
