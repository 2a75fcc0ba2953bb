import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@armspan/store";
import { afterEach, describe, expect, test } from "vitest";
import { CONTENT_KEYS, CONTENT_PREFIXES } from "../../packages/register/src/content-attributes.ts";
import { callSpan, send } from "./otlp.ts";
import { Pipeline } from "./pipeline.ts";
import { pipelineUnavailable } from "./pipeline-unavailable.ts";

const CANARY = "canary-7f3a";
const EVERY_NAME = [
	...CONTENT_KEYS,
	...CONTENT_PREFIXES.map((prefix) => `${prefix}0.content`),
	"gen_ai.prompt.0.content",
	"gen_ai.completion.11.content",
	"exception.stacktrace",
];
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const canaries = EVERY_NAME.map((key) => text(key, `${CANARY} ${key}`));

test("the Collector knows every name of content that register knows", () => {
	const file = readFileSync(new URL("../../collector-config/processors.yaml", import.meta.url), "utf8");
	const patterns = [...file.matchAll(/delete_matching_keys\(attributes, "(.{99,})"\)/g)].map(
		([, pattern]) => new RegExp(pattern as string),
	);
	expect(patterns).toHaveLength(2);
	const isDropped = (key: string) => patterns.some((pattern) => pattern.test(key)) || key === "exception.stacktrace";
	expect(EVERY_NAME.filter((key) => !isDropped(key))).toEqual([]);
	// Names and versions of prompts, and what is measured, are no content.
	const kept = ["gen_ai.prompt.name", "gen_ai.prompt.version", "gen_ai.usage.input_tokens", "armspan.unit.id"];
	expect([...kept, "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "prompt.id"].filter(isDropped)).toEqual([]);
});

describe.skipIf(pipelineUnavailable("content through the Collector"))("prompts and answers", () => {
	const root = mkdtempSync(join(tmpdir(), "armspan-pipeline-content-"));
	const stops: (() => Promise<unknown>)[] = [];
	let run = 0;
	afterEach(async () => {
		for (const stop of stops.splice(0).reverse()) await stop();
		rmSync(root, { recursive: true, force: true });
	});

	/** Sends canaries in every place that has room for one, and waits until they are stored. */
	async function delivered(env: Readonly<Record<string, string>>) {
		run++;
		const pipeline = await Pipeline.start(join(root, String(run)), env);
		stops.push(() => pipeline.stop());
		const store = await openStore({ kind: "server", url: pipeline.server.url });
		stops.push(() => store.close());
		await store.migrate();
		const timeUnixNano = String(BigInt(Date.now()) * 1_000_000n);
		const event = (name: string, attributes: object[]) => ({ name, timeUnixNano, attributes });
		const more = {
			status: { code: 2, message: `429: ${CANARY}` },
			events: [
				event("exception", [text("exception.type", "RateLimited"), ...canaries]),
				...["message", "log", "openai.message"].map((name) => event(name, [text("text", CANARY)])),
				event("exception", [text("detail", CANARY), text("exception.cause", CANARY)]),
				event("gen_ai.user.message", [text("role", "user"), text("content", CANARY), text("anything", CANARY)]),
			],
		};
		const wrapped = { key: "wrap", value: { kvlistValue: { values: canaries } } };
		const texts = { key: "texts", value: { arrayValue: { values: [{ stringValue: "a" }, { stringValue: CANARY }] } } };
		const list = { key: "list", value: { arrayValue: { values: [{ kvlistValue: { values: canaries } }] } } };
		const long = text("nobody.knows", `${CANARY} ${"x".repeat(2000)}`);
		const ownLong = text("armspan.own", "y".repeat(2000));
		const lists = {
			key: "gen_ai.response.finish_reasons",
			value: { arrayValue: { values: [{ stringValue: "stop" }] } },
		};
		const span = callSpan(1, more, [...canaries, wrapped, list, texts, long, ownLong, lists]);
		const named = [text("service.name", "bot"), text("process.command_args", CANARY)];
		const resource = { attributes: [...named, ...canaries, wrapped, list, texts, long] };
		const scope = { name: "s", attributes: [...canaries, wrapped, list, texts, long] };
		const traces = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope, spans: [span] }] }] });
		await send(pipeline.agent.otlpUrl, "traces", traces);
		const record = (eventName: string, body: string, attributes: object[]) => ({
			timeUnixNano,
			eventName,
			severityText: eventName === "" ? `${CANARY} said the user` : "INFO",
			body: { stringValue: body },
			attributes,
		});
		const logRecords = [
			record("gen_ai.choice", CANARY, [text("finish_reason", "stop"), text("message", CANARY), ...canaries]),
			record("gen_ai.evaluation.result", CANARY, [
				text("gen_ai.evaluation.name", "feedback"),
				text("gen_ai.evaluation.score.value", "1"),
				text("gen_ai.evaluation.explanation", "too long, said the user"),
				text("armspan.event.id", "e1"),
			]),
			record("", `an application's own line, BadRequest: ${CANARY}`, [wrapped, text("line", CANARY)]),
			record("langfuse.event", CANARY, [text("text", CANARY)]),
			record("event", CANARY, [text("event.name", "gen_ai.user.message"), text("content", CANARY)]),
		];
		const logs = JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords }] }] });
		await send(pipeline.agent.otlpUrl, "logs", logs);
		await Pipeline.until(async () => (await pipeline.gateway.sent()) === 6);
		const rowsWithCanary = async (table: string) =>
			Number(await pipeline.server.run(`SELECT countIf(toString(tuple(*)) LIKE '%${CANARY}%') FROM ${table}`));
		return { pipeline, store, canaries: [await rowsWithCanary("otel_traces"), await rowsWithCanary("otel_logs")] };
	}

	test("do not reach ClickHouse, whatever else of the call does", async () => {
		const { pipeline, store, canaries: found } = await delivered({});
		expect(found).toEqual([0, 0]);
		expect(await store.callIds({})).toMatchObject([{ responseId: "response-1", isError: true }]);
		expect((await store.counts()).evaluations).toBe(1);
		const spans = await pipeline.server.run(
			"SELECT Events.Attributes[1]['exception.type'], Events.Attributes[6]['role'], length(SpanAttributes['armspan.own']), SpanAttributes['gen_ai.response.finish_reasons'] FROM otel_traces FORMAT TSV",
		);
		expect(spans).toBe('RateLimited\tuser\t2000\t["stop"]\n');
		const logs = await pipeline.server.run(
			"SELECT SeverityText, Body, LogAttributes['finish_reason'], LogAttributes['gen_ai.evaluation.explanation'] FROM otel_logs ORDER BY ALL FORMAT TSV",
		);
		expect(logs).toBe("\t\t\t\nINFO\t\t\t\nINFO\t\t\t\nINFO\t\t\ttoo long, said the user\nINFO\t\tstop\t\n");
	}, 60_000);

	test("do when both Collectors are told that they may", async () => {
		const { canaries: found } = await delivered({ ARMSPAN_CAPTURE_CONTENT: "true" });
		expect(found).toEqual([1, 5]);
	}, 60_000);
});
