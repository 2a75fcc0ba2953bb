import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { writeSupportBundle } from "../../instrumentation/src/fixtures/support-bundle.ts";
import { type ChatServer, startChatServer } from "./fixtures/chat-server.ts";
import { runHost } from "./fixtures/host.ts";
import { type OtlpCollector, startOtlpCollector } from "./fixtures/otlp-collector.ts";

let chat: ChatServer;
let collector: OtlpCollector;
let env: Record<string, string>;

beforeAll(async () => {
	chat = await startChatServer();
	collector = await startOtlpCollector();
	env = {
		CHAT_URL: chat.baseURL,
		ARMSPAN_ROUTING: await writeSupportBundle(),
		OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
	};
});
afterAll(() => Promise.all([chat.close(), collector.close()]));
beforeEach(() => {
	collector.spans.length = 0;
	collector.logs.length = 0;
});

/** The README's, with a sampler that likes nothing. */
const TELEMETRY = `
import { armspan } from "@armspan/instrumentation";
import { ArmspanSampler, armspanSpanProcessors, guardContent, guardLogContent, instrumentLlmSdks } from "@armspan/register/own-set-up";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { AlwaysOffSampler, BatchSpanProcessor } from "@opentelemetry/sdk-trace";

const sdk = new NodeSDK({
	sampler: new ArmspanSampler(new AlwaysOffSampler()),
	spanProcessors: [...armspanSpanProcessors(), new BatchSpanProcessor({ exporter: guardContent(new OTLPTraceExporter()) })],
	logRecordProcessors: [new BatchLogRecordProcessor({ exporter: guardLogContent(new OTLPLogExporter()) })],
	metricReaders: [],
});
sdk.start();
armspan.start();
instrumentLlmSdks();
process.once("beforeExit", () => sdk.shutdown());
`;
const IMPORTS = {
	module: 'import OpenAI from "openai";\nimport { armspan } from "@armspan/instrumentation";\n',
	commonjs: 'const OpenAI = require("openai");\nconst { armspan } = require("@armspan/instrumentation");\n',
};
const BODY = `
const client = new OpenAI({ baseURL: process.env.CHAT_URL, apiKey: "test", maxRetries: 0 });
const routed = armspan.prompt("support-reply", { user: "u1", variables: { question: "Where is it?" } });
void routed.run(() => client.chat.completions.create({ ...routed.config, model: routed.model, messages: routed.messages }))
	.then((answer) => { routed.feedback({ score: 1 }); console.log(answer.choices[0].message.content.trim()); });
`;

describe.each(["module", "commonjs"] as const)("a %s application that sets OpenTelemetry up by itself", (type) => {
	it("has openai's span with tags and cost, and the events, without register", async () => {
		const { exited, stdout, stderr } = runHost({
			type,
			source: IMPORTS[type] + BODY,
			register: false,
			files: { "telemetry.mjs": TELEMETRY },
			execArgv: ["--import", "./telemetry.mjs"],
			env,
		});
		expect(await exited).toEqual({ code: 0, signal: null });
		expect([stdout(), stderr()]).toEqual(["Where is it?\n", ""]);
		expect(collector.spans).toHaveLength(1);
		expect(collector.spans[0]?.attributes).toMatchObject({
			"gen_ai.prompt.name": "support-reply",
			"armspan.unit.id": "u1",
			"gen_ai.usage.input_tokens": 1000,
			"armspan.cost.source": "price-table",
		});
		expect(collector.logs.map(({ name }) => name).sort()).toEqual([
			"feature_flag.evaluation",
			"gen_ai.evaluation.result",
		]);
	});
});
