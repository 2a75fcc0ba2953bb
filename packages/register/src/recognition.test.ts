import { pbkdf2 } from "node:crypto";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import Anthropic from "@anthropic-ai/sdk";
import { armspan, createArmspan, prompt } from "@armspan/instrumentation";
import { GoogleGenAI } from "@google/genai";
import { DiagLogLevel, diag, SpanKind, trace } from "@opentelemetry/api";
import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { writeSupportBundle } from "../../instrumentation/src/fixtures/support-bundle.ts";
import { type ChatServer, startChatServer } from "./fixtures/chat-server.ts";
import { runHost } from "./fixtures/host.ts";
import { startOtlpCollector } from "./fixtures/otlp-collector.ts";
import { type Provider, startProvider } from "./fixtures/provider.ts";
import { readAll } from "./fixtures/read-all.ts";
import { recordSpans } from "./fixtures/recorded-spans.ts";
import { instrumentAnthropic } from "./instrument-anthropic.ts";
import { instrumentGoogleGenAi } from "./instrument-google-genai.ts";
import { instrumentOpenAi } from "./instrument-openai.ts";
import { parseMapping } from "./mapping-file.ts";
import { recognition } from "./recognition.ts";

const spans = recordSpans();
instrumentOpenAi(OpenAI);
instrumentAnthropic(Anthropic);
instrumentGoogleGenAi(new GoogleGenAI({ apiKey: "test" }));

const MAPPING = `prompts:
  - prompt: support/reply
    version: 2.0.0
    match: { template: "Answer politely: {{question}}" }
`;
const TAGS = {
	"gen_ai.prompt.name": "support/reply",
	"gen_ai.prompt.version": "2.0.0",
	"armspan.prompt.digest": expect.stringMatching(/^[0-9a-f]{64}$/),
	"armspan.enrolled": false,
};
const TEXT = "Answer politely: where is my parcel?";
const folder = mkdtempSync(join(tmpdir(), "armspan-recognition-"));

let chat: ChatServer;
let provider: Provider;
let openai: OpenAI;
let bundle: string;
beforeAll(async () => {
	[chat, provider, bundle] = await Promise.all([startChatServer(), startProvider(), writeSupportBundle()]);
	openai = new OpenAI({ baseURL: chat.baseURL, apiKey: "test", maxRetries: 0 });
});
afterAll(async () => {
	await Promise.all([chat.close(), provider.close()]);
	rmSync(folder, { recursive: true });
});
beforeEach(() => {
	spans.reset();
	recognition.use(parseMapping(MAPPING, "mapping").entries ?? []);
});
afterEach(() => recognition.close());

const ask = (content: string, more: object = {}) =>
	openai.chat.completions.create({ model: "gpt-4o-mini", messages: [{ role: "user", content }], ...more });

describe("a prompt of the mapping file", () => {
	it("is recognised in a request of openai, streamed or not, and its text is recorded nowhere", async () => {
		await ask(TEXT);
		const span = await spans.only();
		expect(span.attributes).toMatchObject(TAGS);
		expect(JSON.stringify([span.attributes, span.events, span.name])).not.toContain("parcel");
		for (const absent of ["armspan.experiment", "armspan.unit.id", "feature_flag.key"]) {
			expect(span.attributes).not.toHaveProperty([absent]);
		}
		spans.reset();
		await readAll((await ask(TEXT, { stream: true })) as unknown as AsyncIterable<unknown>);
		expect((await spans.only()).attributes).toMatchObject(TAGS);
	});

	it("is recognised on the span that Anthropic's SDK makes itself, and on ours", async () => {
		for (const openTelemetry of [undefined, false as const]) {
			spans.reset();
			const client = new Anthropic({
				apiKey: "test",
				baseURL: provider.url,
				...(openTelemetry === false ? { openTelemetry } : {}),
			} as never);
			await client.messages.create({
				model: "claude-sonnet-5-5",
				max_tokens: 9,
				system: TEXT,
				messages: [{ role: "user", content: "hi" }],
			});
			expect((await spans.only()).attributes).toMatchObject(TAGS);
		}
	});

	it("is recognised in a request of Google's SDK", async () => {
		const client = new GoogleGenAI({ apiKey: "test", httpOptions: { baseUrl: provider.url } });
		await client.models.generateContent({
			model: "gemini-2.5-flash",
			contents: [{ role: "user", parts: [{ text: TEXT }] }],
		});
		expect((await spans.only()).attributes).toMatchObject(TAGS);
	});

	it("is tagged on the span that another instrumentation has open, unless it names a prompt", async () => {
		const tracer = trace.getTracer("another");
		for (const [own, expected] of [
			[{}, TAGS],
			[{ "gen_ai.prompt.name": "theirs" }, { "gen_ai.prompt.name": "theirs" }],
		] as const) {
			spans.reset();
			const attributes = { "gen_ai.operation.name": "chat", ...own };
			await tracer.startActiveSpan("chat", { kind: SpanKind.CLIENT, attributes }, async (span) => {
				await ask(TEXT);
				span.end();
			});
			expect((await spans.only()).attributes).toMatchObject(expected);
		}
	});

	it("is not looked for inside a routed call", async () => {
		const armspan = createArmspan({ routingDirectory: bundle });
		const routed = armspan.prompt("support-reply", { user: "u1", variables: { question: "?" } });
		await routed.run(() => ask(TEXT));
		armspan.close();
		expect((await spans.only()).attributes).toMatchObject({
			"gen_ai.prompt.name": "support-reply",
			"feature_flag.key": "support-reply",
		});
	});
});

it("what is not in the file is not tagged, and a request that cannot be read is sent as it is", async () => {
	await ask("Answer rudely: no");
	expect((await spans.only()).attributes).not.toHaveProperty(["gen_ai.prompt.name"]);
	spans.reset();
	const messages = [
		{
			role: "user",
			get content(): string {
				throw new Error("of the application");
			},
		},
	];
	await expect(openai.chat.completions.create({ model: "m", messages } as never)).rejects.toThrow("of the application");
});

it("every request that is looked at is counted, and two prompts at once are said once", async () => {
	const { entries } = parseMapping(
		`${MAPPING}  - { prompt: other, version: 1.0.0, match: { template: "Answer {{any}}" } }`,
		"m",
	);
	recognition.use(entries ?? []);
	const warned = vi.fn();
	const ignore = () => {};
	diag.setLogger({ warn: warned, error: ignore, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN);
	const before = armspan.status().promptsInCode;
	for (const text of [TEXT, TEXT, "Answer rudely", "no", "x".repeat(300_000)]) await ask(text);
	diag.disable();
	const after = armspan.status().promptsInCode;
	const counted = Object.entries(after).map(([name, count]) => [name, count - before[name as keyof typeof before]]);
	expect(Object.fromEntries(counted)).toEqual({ recognised: 3, unrecognised: 2, ambiguous: 2, curtailed: 1 });
	expect(warned.mock.calls.map(([line]) => line)).toEqual([
		expect.stringMatching(/"support\/reply" 2\.0\.0 and also matches "other" 1\.0\.0/),
	]);
});

it("a template in code is recognised without a mapping file", async () => {
	recognition.use([]);
	const render = (name: string) => prompt("code/greet")`Dear ${name}, welcome.`;
	await ask(render("Ann"));
	const first = await spans.only();
	expect(first.attributes).toMatchObject({
		"gen_ai.prompt.name": "code/greet",
		"gen_ai.prompt.version": expect.stringMatching(/^sha256-[0-9a-f]{12}$/),
	});
	spans.reset();
	await ask(`${render("Bob")} More.`);
	expect((await spans.only()).attributes).not.toHaveProperty(["gen_ai.prompt.name"]);
});

it("many calls at once each get their own", async () => {
	const indexes = Array.from({ length: 40 }, (_, index) => index % 5);
	await Promise.all(
		indexes.map((index) => ask(prompt(`code/of-${index}`)`Call ${index}.`, { model: `model-${index}` })),
	);
	await vi.waitFor(() => expect(spans.all()).toHaveLength(40));
	for (const { attributes } of spans.all()) {
		const model = String(attributes["gen_ai.request.model"]);
		expect(attributes["gen_ai.prompt.name"]).toBe(model.replace("model-", "code/of-"));
	}
});

it("the file is read again when it changes; a broken one is refused and the last good one stays", async () => {
	const file = join(folder, "prompts.yaml");
	const write = (text: string) => {
		writeFileSync(`${file}.new`, text);
		renameSync(`${file}.new`, file);
	};
	const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
	const versionOf = async () => {
		spans.reset();
		await ask(TEXT);
		return (await spans.only()).attributes["gen_ai.prompt.version"];
	};
	write(MAPPING);
	await recognition.follow(file);
	expect(await versionOf()).toBe("2.0.0");
	write(MAPPING.replace("2.0.0", "10.0.0"));
	await vi.waitFor(async () => expect(await versionOf()).toBe("10.0.0"), { timeout: 20_000, interval: 200 });
	write("prompts: [");
	await vi.waitFor(() => expect(recognition.mapping.problems).toHaveLength(1), { timeout: 20_000 });
	expect(await versionOf()).toBe("10.0.0");
	expect(said).toHaveBeenCalledWith(expect.stringMatching(/ARMSPAN_PROMPTS: .*prompts\.yaml:1: not valid YAML/));
	said.mockRestore();
});

it("a file that is another one right after it was read is read again", async () => {
	const file = join(folder, "hasty.yaml");
	writeFileSync(file, MAPPING);
	await import("./mapping-file.ts");
	// whatever asks the file system asynchronously waits meanwhile
	const busy = Array.from({ length: 8 }, () => promisify(pbkdf2)("a", "b", 300_000, 64, "sha512"));
	await recognition.follow(file);
	writeFileSync(`${file}.new`, MAPPING.replace("2.0.0", "30.0.0"));
	renameSync(`${file}.new`, file);
	await Promise.all(busy);
	const versionOf = async () => {
		spans.reset();
		await ask(TEXT);
		return (await spans.only()).attributes["gen_ai.prompt.version"];
	};
	await vi.waitFor(async () => expect(await versionOf()).toBe("30.0.0"), { timeout: 20_000, interval: 200 });
});

it.each(["module", "commonjs"] as const)("unchanged %s code is tagged by register and a mapping file", async (type) => {
	const collector = await startOtlpCollector();
	const source = `
${type === "module" ? 'import OpenAI from "openai";' : 'const OpenAI = require("openai");'}
const client = new OpenAI({ baseURL: process.env.CHAT_URL, apiKey: "test" });
const question = "where is my parcel?";
void client.chat.completions.create({ model: "gpt-4o-mini", messages: [{ role: "user", content: \`Answer politely: \${question}\` }] })
	.then((answer) => console.log(answer.choices[0].message.content));
`;
	// Left over from a doctor that is gone: telemetry goes on.
	const ARMSPAN_DOCTOR = join(folder, "no-such-folder");
	const env = {
		ARMSPAN_DOCTOR,
		CHAT_URL: chat.baseURL,
		OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
		ARMSPAN_PROMPTS: "prompts.yaml",
	};
	const host = runHost({ type, source, env, files: { "prompts.yaml": MAPPING } });
	expect(await host.exited).toEqual({ code: 0, signal: null });
	expect([host.stdout(), host.stderr()]).toEqual([`${TEXT}\n`, ""]);
	expect(collector.spans.map(({ attributes }) => attributes)).toEqual([expect.objectContaining(TAGS)]);
	await collector.close();
});
