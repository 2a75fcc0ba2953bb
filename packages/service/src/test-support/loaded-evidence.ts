import { decodeLogs, decodeTraces, type Store } from "@armspan/store";

const MS_PER_DAY = 86_400_000;
const USERS = 400;
const CALLS = 4;

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const hex = (value: number, digits: number) => (value + 1).toString(16).padStart(digits, "0");

/**
 * Loads evidence of the starter repository's experiment, always the same but for its days: 400 users over the five
 * whole UTC days before `now`, four calls each, half of them friendly; exposures, judge scores, feedback, conversions.
 */
export async function loadEvidence(store: Store, now: Date): Promise<void> {
	const midnightMs = Math.floor(now.getTime() / MS_PER_DAY) * MS_PER_DAY;
	const spans: unknown[] = [];
	const logRecords: unknown[] = [];
	for (let user = 0; user < USERS; user++) {
		const friendly = user % 2 === 1;
		const startMs = midnightMs - 5 * MS_PER_DAY + (user % 5) * MS_PER_DAY + user * 1000;
		const assignment = [
			text("gen_ai.prompt.name", "support-reply"),
			text("gen_ai.prompt.version", friendly ? "2.0.0" : "1.0.0"),
			text("feature_flag.result.variant", `support-tone.${friendly ? "friendly" : "control"}`),
			text("armspan.experiment", "support-tone"),
			text("armspan.iteration", "1"),
			text("armspan.enrolled", "true"),
			text("armspan.unit.type", "user"),
			text("armspan.unit.id", `user-${user}`),
			text("armspan.routing.revision", "1"),
		];
		const event = (name: string, number: number, attributes: readonly unknown[]) =>
			logRecords.push({
				timeUnixNano: `${startMs + 60_000 * number}000000`,
				eventName: name,
				attributes: [...assignment, text("armspan.event.id", `${name}-${user}-${number}`), ...attributes],
			});
		event("feature_flag.evaluation", 0, [
			text("feature_flag.key", "support-reply"),
			...(user % 8 < 6 ? [text("armspan.segment.plan", user % 8 < 4 ? "free" : "pro")] : []),
		]);
		for (let call = 0; call < CALLS; call++) {
			const number = user * CALLS + call;
			const failed = number % 29 === 0;
			const beginsMs = startMs + 60_000 * call;
			spans.push({
				traceId: hex(number, 32),
				spanId: hex(number, 16),
				name: "chat gpt-4.1-mini",
				startTimeUnixNano: `${beginsMs}000000`,
				endTimeUnixNano: `${beginsMs + 500 + ((user * 37) % 400) + ((number * 53) % 200) + (friendly ? 90 : 0)}000000`,
				attributes: [
					...assignment,
					text("gen_ai.operation.name", "chat"),
					text("gen_ai.request.model", "gpt-4.1-mini"),
					text("gen_ai.usage.input_tokens", String(200 + (number % 50))),
					text("gen_ai.usage.output_tokens", String(80 + (number % 40) + (friendly ? 30 : 0))),
					text("gen_ai.usage.cache_read.input_tokens", String(number % 3 === 0 ? 128 : 0)),
					text("gen_ai.usage.cost", String(0.0002 + (number % 40) * 1e-6)),
					...(failed ? [text("error.type", number % 2 === 0 ? "timeout" : "rate_limit")] : []),
				],
			});
		}
		const score = (kind: string, name: string, value: number, number: number) =>
			event("gen_ai.evaluation.result", number, [
				text("armspan.evaluation.kind", kind),
				text("gen_ai.evaluation.name", name),
				{ key: "gen_ai.evaluation.score.value", value: { doubleValue: value } },
			]);
		score("score", "helpfulness", ((user % 10) + (friendly ? 1 : 0)) / 11, 10);
		if (user % 4 === 0) score("feedback", "thumbs", user % 8 === 0 ? 1 : 0, 11);
		if (user % 7 === 0) score("conversion", "resolved", 1, 12);
	}
	const body = (document: unknown) => Buffer.from(JSON.stringify(document));
	const traces = body({
		resourceSpans: [{ resource: { attributes: [text("service.name", "bot")] }, scopeSpans: [{ spans }] }],
	});
	await store.insertTraces(decodeTraces(traces, "application/json").rows);
	const logs = body({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
	await store.insertLogs(decodeLogs(logs, "application/json").rows);
}
