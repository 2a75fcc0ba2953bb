import { type Delivered, otlpRequests } from "../conformance/deliveries.ts";

type Signal = "traces" | "logs";

/** Sends one request as an application would, and fails unless it was taken whole. */
export async function send(
	otlpUrl: string,
	signal: Signal,
	body: string | Uint8Array<ArrayBuffer>,
	contentType = typeof body === "string" ? "application/json" : "application/x-protobuf",
): Promise<void> {
	const response = await fetch(`${otlpUrl}/v1/${signal}`, {
		method: "POST",
		headers: { "content-type": contentType },
		body,
	});
	const answer = await response.text();
	if (!response.ok) throw new Error(`${otlpUrl}/v1/${signal} answers ${response.status}: ${answer.slice(0, 500)}`);
}

/** Sends deliveries in requests of `size` records, one after the other. */
export async function sendDeliveries(otlpUrl: string, deliveries: readonly Delivered[], size: number): Promise<void> {
	for (let next = 0; next < deliveries.length; next += size) {
		const { resourceSpans, resourceLogs } = otlpRequests(deliveries.slice(next, next + size));
		if (resourceSpans.length > 0) await send(otlpUrl, "traces", JSON.stringify({ resourceSpans }));
		if (resourceLogs.length > 0) await send(otlpUrl, "logs", JSON.stringify({ resourceLogs }));
	}
}

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });

/** A call of that id, as OTLP/JSON of a request of its own kind; unit `user-<number>`. */
export function callSpan(number: number, more: object = {}, attributes: readonly object[] = []): object {
	const now = BigInt(Date.now()) * 1_000_000n;
	return {
		traceId: (BigInt(number) + 1n).toString(16).padStart(32, "0"),
		spanId: (BigInt(number) + 1n).toString(16).padStart(16, "0"),
		name: "chat m",
		kind: 3,
		startTimeUnixNano: String(now - 1_000_000_000n),
		endTimeUnixNano: String(now),
		attributes: [
			text("gen_ai.operation.name", "chat"),
			text("gen_ai.provider.name", "openai"),
			text("gen_ai.request.model", "m"),
			text("gen_ai.response.id", `response-${number}`),
			text("gen_ai.prompt.name", "support-reply"),
			text("gen_ai.prompt.version", "1.0.0"),
			text("feature_flag.result.variant", "tone.control"),
			text("armspan.experiment", "tone"),
			text("armspan.iteration", "1"),
			text("armspan.enrolled", "true"),
			text("armspan.unit.type", "user"),
			text("armspan.unit.id", `user-${number % 1000}`),
			text("armspan.routing.revision", "1"),
			...attributes,
		],
		...more,
	};
}

/** The body of a request with these spans. */
export function tracesRequest(spans: readonly object[]): string {
	return JSON.stringify({
		resourceSpans: [{ resource: { attributes: [text("service.name", "bot")] }, scopeSpans: [{ spans }] }],
	});
}
