/** How `generateTraces` is told to run a statement. */
export type Command = (sql: string) => Promise<unknown>;

export interface Traffic {
	calls: number;
	units: number;
	/** UTC days over which calls and units are spread. */
	days: number;
	/** Midnight of the first day. */
	start: Date;
}

const ROWS_PER_INSERT = 500_000;

const stepNs = ({ calls, days }: Traffic) => Math.floor((days * 86_400e9) / calls);

/** The first call of the traffic's last minutes. */
export function startOfLastMinutes({ calls, days }: Traffic, minutes: number): number {
	return calls - Math.ceil((calls * minutes) / days / 1440);
}

/** When a call starts, cut to milliseconds. */
export function timeOfCall(traffic: Traffic, call: number): Date {
	return new Date(traffic.start.getTime() + Math.floor((call * stepNs(traffic)) / 1e6));
}

/**
 * Fills `otel_traces` and `otel_logs` with one experiment, inside of ClickHouse: spans of 28 attributes with 11 of their
 * resource and no prompt text, and 20 events per 100 calls. The views derive the evidence, as they
 * do of what is delivered.
 * @param range of calls, in the order of their time
 */
export async function generateTraces(
	command: Command,
	traffic: Traffic,
	[first, end]: readonly [first: number, end: number],
): Promise<void> {
	const { calls, units, start } = traffic;
	for (let from = first; from < end; from += ROWS_PER_INSERT) {
		const count = Math.min(ROWS_PER_INSERT, end - from);
		const common = `
	${from} + number AS n,
	-- units come in over the first half of the time, and come back at random
	cityHash64(n, 7) % least(${units}, 1 + intDiv(n * 2 * ${units}, ${calls})) AS unit_number,
	concat('user-', lower(hex(cityHash64(unit_number, 'id')))) AS unit,
	if(cityHash64(unit_number) % 2 = 0, 'control', 'treatment') AS arm,
	toDateTime64(fromUnixTimestamp64Nano(toInt64(${start.getTime()}000000 + n * ${stepNs(traffic)}), 'UTC'), 9, 'UTC') AS at,
	lower(hex(sipHash128(n))) AS trace,
	lower(hex(cityHash64(n, 1))) AS span,
	map('service.name', 'support-bot', 'service.version', '4.2.1', 'deployment.environment.name', 'production',
		'host.name', concat('pod-', toString(cityHash64(n, 8) % 12)), 'os.type', 'linux', 'process.pid', '7',
		'process.runtime.name', 'nodejs', 'process.runtime.version', '26.10.0', 'telemetry.sdk.language', 'nodejs',
		'telemetry.sdk.name', 'opentelemetry', 'telemetry.sdk.version', '3.1.0') AS resource,
	map('gen_ai.prompt.name', 'support-reply', 'gen_ai.prompt.version', if(arm = 'control', '1.1.0', '1.2.0'),
		'feature_flag.key', 'support-reply', 'feature_flag.result.variant', concat('bench.', arm),
		'armspan.experiment', 'bench', 'armspan.iteration', '1', 'armspan.enrolled', 'true', 'armspan.unit.type', 'user',
		'armspan.unit.id', unit, 'armspan.routing.revision', '1') AS assignment`;
		await command(`INSERT INTO otel_traces (Timestamp, TraceId, SpanId, SpanName, SpanKind, ServiceName, ResourceAttributes,
	ScopeName, ScopeVersion, SpanAttributes, Duration, StatusCode)
WITH ${common},
	cityHash64(n, 2) % 100 = 0 AS failed,
	400 + cityHash64(n, 3) % 2000 AS input
SELECT at, trace, span, 'chat gpt-5-mini', 'Client', 'support-bot', resource, 'instrumentation-openai', '0.22.0',
	mapConcat(assignment, map(
		'gen_ai.operation.name', 'chat', 'gen_ai.provider.name', 'openai', 'gen_ai.request.model', 'gpt-5-mini',
		'gen_ai.request.temperature', '0.2', 'gen_ai.request.max_tokens', '800',
		'gen_ai.response.id', concat('chatcmpl-', span), 'gen_ai.response.model', 'gpt-5-mini-2026-01-01',
		'gen_ai.response.finish_reasons', if(cityHash64(n, 4) % 200 = 0, '["content_filter"]', '["stop"]'),
		'gen_ai.usage.input_tokens', toString(input), 'gen_ai.usage.output_tokens', toString(20 + cityHash64(n, 5) % 500),
		'gen_ai.usage.cache_read.input_tokens', toString(if(cityHash64(n, 6) % 3 = 0, intDiv(input, 2), 0)),
		'gen_ai.usage.reasoning.output_tokens', toString(cityHash64(n, 9) % 200),
		'gen_ai.response.time_to_first_chunk', toString((200000 + cityHash64(n, 10) % 400000) / 1e6),
		'armspan.prompt.digest', if(arm = 'control', '${"a".repeat(64)}', '${"b".repeat(64)}'),
		'armspan.cost.usd', toString((50000 + cityHash64(n, 11) % 900000) / 1e9), 'armspan.cost.source', 'price-table',
		'server.address', 'api.openai.com'), if(failed, map('error.type', 'rate_limit'), map())),
	toUInt64(exp(12.6 + (cityHash64(n, 12) % 100000) / 40000)) * 1000, if(failed, 'Error', 'Unset')
FROM numbers(${count})
SETTINGS async_insert = 0, max_partitions_per_insert_block = 0`);
		// exposures, feedback, scores of two judges and conversions of some calls
		await command(`INSERT INTO otel_logs (Timestamp, TraceId, SpanId, ServiceName, ResourceAttributes, LogAttributes, EventName)
WITH ${common},
	cityHash64(n, 20) % 100 AS chance,
	multiIf(chance < 8, ('feedback', 'thumbs', toString(cityHash64(n, 21) % 2)),
		chance < 12, ('score', 'helpful', toString((cityHash64(n, 21) % 5) / 4)),
		chance < 13, ('score', 'safety-violation', toString(cityHash64(n, 21) % 40 = 0)),
		chance < 15, ('conversion', 'bought', '1'), ('', '', '')) AS event
SELECT if(event.1 = '', at, at + INTERVAL 5 SECOND), trace, span, 'support-bot', resource,
	mapConcat(assignment, map('armspan.event.id', concat('e', span)), if(event.1 = '', map(), map(
		'armspan.evaluation.kind', event.1, 'gen_ai.evaluation.name', event.2, 'gen_ai.evaluation.score.value', event.3))),
	if(event.1 = '', 'feature_flag.evaluation', 'gen_ai.evaluation.result')
FROM numbers(${count})
WHERE chance < 20
SETTINGS async_insert = 0, max_partitions_per_insert_block = 0`);
	}
}
