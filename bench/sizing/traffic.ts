import { createHash } from "node:crypto";

const DAY_MS = 86_400_000;
const CALLS_PER_USER = 5;
const SHARE_OF_FEEDBACK = 0.35;
const SHARE_OF_CONVERSIONS = 0.05;

type Attribute = { key: string; value: object };
const text = (key: string, stringValue: string): Attribute => ({ key, value: { stringValue } });
const integer = (key: string, value: number): Attribute => ({ key, value: { intValue: String(value) } });
const double = (key: string, doubleValue: number): Attribute => ({ key, value: { doubleValue } });
const hash = (...parts: readonly (string | number)[]) => createHash("sha256").update(parts.join("\0")).digest();
const nanos = (atMs: number) => `${Math.round(atMs * 1000)}000`;

/** Who a call is by, when, and what comes of it; the same for the same number. */
interface Call {
	readonly number: number;
	readonly user: string;
	readonly first: boolean;
	readonly startMs: number;
	readonly draws: Buffer;
}

/** `count` calls spread evenly over the days before `now`, five by each user on average. */
export function* plannedCalls(count: number, days: number, nowMs: number): Generator<Call> {
	const seen = new Set<string>();
	for (let number = 0; number < count; number++) {
		const draws = hash("call", number);
		// Some ask more than others.
		const user = `user-${Math.floor((count / CALLS_PER_USER) * (draws.readUInt32BE(0) / 2 ** 32) ** 1.3)}`;
		const startMs = nowMs - days * DAY_MS * (1 - number / count);
		yield { number, user, first: !seen.has(user), startMs, draws };
		seen.add(user);
	}
}

/** One request of traces and one of logs, with what `@armspan/register` sends about these calls of the support bot. */
export function otlpBodies(calls: readonly Call[]): { traces: Uint8Array; logs: Uint8Array } {
	const resource = {
		attributes: [
			text("service.name", "support-bot"),
			text("service.instance.id", "19e6fe7d-bb6a-4054-a733-ad23eaaa4895"),
			text("deployment.environment.name", "production"),
			text("telemetry.sdk.language", "nodejs"),
			text("telemetry.sdk.name", "opentelemetry"),
			text("telemetry.sdk.version", "3.1.0"),
		],
	};
	const scope = { name: "@armspan/register" };
	const body = (value: object) => new TextEncoder().encode(JSON.stringify(value));
	const logRecords = calls.flatMap(eventsOf);
	return {
		traces: body({ resourceSpans: [{ resource, scopeSpans: [{ scope, spans: calls.map(spanOf) }] }] }),
		logs: body({ resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords }] }] }),
	};
}

function assigned({ user }: Call): Attribute[] {
	const friendly = (hash("arm", user)[0] ?? 0) % 2 === 0;
	return [
		text("gen_ai.prompt.name", "support-reply"),
		text("gen_ai.prompt.version", friendly ? "2.0.0" : "1.0.0"),
		text("feature_flag.key", "support-reply"),
		text("feature_flag.result.variant", `support-tone.${friendly ? "friendly" : "control"}`),
		{ key: "armspan.enrolled", value: { boolValue: true } },
		text("armspan.unit.type", "user"),
		text("armspan.prompt.digest", hash("digest", String(friendly)).toString("hex")),
		integer("armspan.routing.revision", 1),
		text("armspan.experiment", "support-tone"),
		integer("armspan.iteration", 1),
		// As with ARMSPAN_UNIT_KEY, which is how it should be, and which costs the most.
		text("armspan.unit.id", hash("hmac", user).toString("hex")),
	];
}

const traceOf = ({ number }: Call) => hash("trace", number).toString("hex").slice(0, 32);
const spanId = ({ number }: Call) => hash("span", number).toString("hex").slice(0, 16);

function spanOf(call: Call): object {
	const { draws, startMs } = call;
	const failed = (draws[4] ?? 0) < 4;
	const inputTokens = 60 + (draws.readUInt16BE(5) % 900);
	const outputTokens = 20 + (draws.readUInt16BE(7) % 400);
	return {
		traceId: traceOf(call),
		spanId: spanId(call),
		name: "chat gpt-4o-mini",
		kind: 3,
		startTimeUnixNano: nanos(startMs),
		endTimeUnixNano: nanos(startMs + 200 + (draws.readUInt32BE(9) % 4_000_000) / 1000),
		status: failed ? { code: 2 } : {},
		attributes: [
			text("gen_ai.operation.name", "chat"),
			text("gen_ai.provider.name", "openai"),
			text("gen_ai.request.model", "gpt-4o-mini"),
			double("gen_ai.request.temperature", 0.2),
			integer("gen_ai.request.max_tokens", 200),
			text("server.address", "api.openai.com"),
			integer("server.port", 443),
			...assigned(call),
			...(failed
				? [text("error.type", "429")]
				: [
						text("gen_ai.response.id", `chatcmpl-${draws.toString("hex").slice(0, 24)}`),
						text("gen_ai.response.model", "gpt-4o-mini-2024-07-18"),
						integer("gen_ai.usage.input_tokens", inputTokens),
						integer("gen_ai.usage.output_tokens", outputTokens),
						{ key: "gen_ai.response.finish_reasons", value: { arrayValue: { values: [{ stringValue: "stop" }] } } },
						double("armspan.cost.usd", (inputTokens * 150 + outputTokens * 600) / 1e9),
						text("armspan.cost.source", "price-table"),
					]),
		],
	};
}

function eventsOf(call: Call): object[] {
	const { draws, first, startMs } = call;
	const event = (eventName: string, atMs: number, attributes: Attribute[]) => ({
		timeUnixNano: nanos(atMs),
		eventName,
		severityNumber: 9,
		traceId: traceOf(call),
		spanId: spanId(call),
		attributes: [...assigned(call), ...attributes],
	});
	const id = (kind: string) => text("armspan.event.id", hash(kind, call.number).toString("hex"));
	const evaluation = (kind: string, name: string, score: number) =>
		event("gen_ai.evaluation.result", startMs + 30_000, [
			text("gen_ai.evaluation.name", name),
			double("gen_ai.evaluation.score.value", score),
			text("armspan.evaluation.kind", kind),
			id(kind),
		]);
	return [
		...(first
			? [
					event("feature_flag.evaluation", startMs, [
						text("feature_flag.result.reason", "split"),
						text("feature_flag.provider.name", "armspan"),
						text("feature_flag.set.id", "armspan/production"),
						text("feature_flag.version", "1"),
						text("feature_flag.context.id", hash("hmac", call.user).toString("hex")),
						id("exposure"),
					]),
				]
			: []),
		...(draws.readUInt8(13) < SHARE_OF_FEEDBACK * 256
			? [evaluation("feedback", "feedback", draws.readUInt8(14) % 2)]
			: []),
		...(draws.readUInt8(15) < SHARE_OF_CONVERSIONS * 256 ? [evaluation("conversion", "conversion", 1)] : []),
	];
}
