import type { LogRow, TraceRow } from "../rows.ts";

/** What an experiment's evidence may look like, as a test of sums draws it. */
export interface RandomRow {
	experiment: string;
	iteration: number;
	unit: string;
	variant: string;
	enrolled: boolean;
	shadow: boolean;
	revision: number;
	atMs: number;
	version: string;
	environment: string;
	/** Of exposures: what they say of the unit. */
	segments?: Record<string, string>;
	id: string;
}

export interface RandomCall extends RandomRow {
	latencyUs: number;
	firstChunkUs: number | null;
	costNano: number | null;
	input: number | null;
	output: number | null;
	cached: number | null;
	reasoning: number | null;
	failed: boolean;
	errorType: string;
	model: string;
	provider: string;
	finish: string;
	fallback: string;
	/** An attribute that cannot be. */
	impossible: boolean;
}

export interface RandomEvent extends RandomRow {
	kind: "score" | "feedback" | "conversion";
	name: string;
	label: string;
	scoreMicros: number | null;
}

export interface Evidence {
	experiment: string;
	startMs: number;
	calls: RandomCall[];
	exposures: RandomRow[];
	events: RandomEvent[];
}

/** Same seed, same evidence. */
export function randomEvidence(seed: number): Evidence {
	const random = mulberry32(seed);
	const below = (limit: number) => Math.floor(random() * limit);
	const oneOf = <Item>(...items: Item[]): Item => items[below(items.length)] as Item;
	const maybe = (value: number, share = 0.8) => (random() < share ? value : null);
	const experiment = `random-${seed}`;
	const startMs = Date.UTC(2026, 5, 10, 7, 13);
	const dayMs = 86_400_000;
	const evidence: Evidence = { experiment, startMs, calls: [], exposures: [], events: [] };
	let ids = 0;
	const armOf = (number: number) =>
		number % 10 === 0 ? oneOf("control", "treatment") : number % 3 === 0 ? "control" : "treatment";
	const row = (unit: string, atMs: number, pre: boolean): RandomRow => ({
		experiment: pre ? oneOf("", "earlier", experiment) : random() < 0.95 ? experiment : "other",
		iteration: pre ? 0 : random() < 0.95 ? 1 : 2,
		unit,
		// Most units stay in one arm; every tenth does not care.
		variant: pre ? "" : armOf(Number(unit.split("-")[2])),
		enrolled: !pre && random() < 0.97,
		shadow: random() < 0.03,
		revision: 1 + below(3),
		atMs,
		version: oneOf("1.0.0", "2.0.0"),
		environment: oneOf("", "production", "production", "staging"),
		id: `${seed}-${(ids++).toString(16)}`,
	});
	for (let number = 0; number < 90; number += 1) {
		// Covariates are of a unit, whatever the experiment.
		const unit = `unit-${seed}-${number}`;
		const firstMs = startMs + below(3 * dayMs);
		if (random() < 0.7) {
			// Later reports say something else; what comes a minute after the first exposure comes too late.
			for (const delayMs of [below(1000), 30_000 + below(60_000), dayMs].slice(number % 3)) {
				const country = `c${Math.floor((60 * ((number * 7919) % 97) ** 2) / 97 ** 2)}`;
				const plan = oneOf("", "free", "pro", "it's \\ 'quoted'");
				const segments = delayMs === dayMs ? { plan: "late" } : { country, ...(plan === "" ? {} : { plan }) };
				evidence.exposures.push({ ...row(unit, firstMs + delayMs, false), segments });
			}
		}
		const count = random() < 0.1 ? 0 : 1 + below(8);
		for (let index = 0; index < count + 3; index += 1) {
			const pre = index >= count;
			const atMs = pre ? firstMs - below(10 * dayMs) : firstMs + below(2 * dayMs) - 500;
			const failed = random() < 0.15;
			evidence.calls.push({
				...row(unit, atMs, pre),
				latencyUs: Math.floor(Math.exp(random() * 12) * 10),
				firstChunkUs: maybe(below(2_000_000), 0.4),
				costNano: maybe(below(3_000_000)),
				input: maybe(below(4000)),
				output: maybe(below(400)),
				cached: maybe(below(3000), 0.5),
				reasoning: maybe(below(100), 0.3),
				failed,
				errorType: failed ? oneOf("", "rate_limit", "timeout", "a,b'] OR 1=1 --") : "",
				model: oneOf("gpt-'x", "gpt-y", "claude"),
				provider: oneOf("openai", "other", "it's \\ 'quoted'"),
				finish: oneOf("stop", "content_filter", "", "aborted", "abandoned"),
				fallback: oneOf("", "", "", "render-failed", "stale"),
				impossible: random() < 0.05,
			});
			if (random() < 0.6) {
				const event: RandomEvent = {
					...row(unit, atMs + below(dayMs), pre),
					kind: oneOf("score", "feedback", "conversion"),
					name: oneOf("faithful", "safety-violation", "tone"),
					label: oneOf("", "skip", "good"),
					scoreMicros: maybe(below(5) * 250_000, 0.9),
				};
				// some say what cannot be of their kind
				if (event.kind !== "score" && event.name === "tone" && event.scoreMicros === 750_000) {
					event.scoreMicros = evidence.events.length % 2 === 0 ? -3_000_000 : 1_000_000_000_000;
				}
				evidence.events.push(event);
			}
		}
	}
	return evidence;
}

function mulberry32(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
	};
}

function attributesOf(row: RandomRow): [string, string][] {
	const attributes: [string, string][] = [
		["gen_ai.prompt.name", `reply-${row.id.split("-")[0]}`],
		["gen_ai.prompt.version", row.version],
		["feature_flag.result.variant", row.variant === "" ? "default" : `${row.experiment}.${row.variant}`],
		["armspan.experiment", row.experiment],
		["armspan.iteration", String(row.iteration)],
		["armspan.unit.type", "user"],
		["armspan.unit.id", row.unit],
		["armspan.enrolled", String(row.enrolled)],
		["armspan.shadow", String(row.shadow)],
		["armspan.routing.revision", String(row.revision)],
	];
	return attributes;
}

const nanoseconds = (atMs: number) => `${atMs}000000`;

export function traceRowsOf({ calls }: Evidence): TraceRow[] {
	return calls.map((call) => {
		const optional: [string, number | string | null][] = [
			["gen_ai.response.time_to_first_chunk", call.firstChunkUs === null ? null : call.firstChunkUs / 1e6],
			["armspan.cost.usd", call.costNano === null ? null : call.costNano / 1e9],
			["gen_ai.usage.input_tokens", call.input],
			["gen_ai.usage.output_tokens", call.output],
			["gen_ai.usage.cache_read.input_tokens", call.cached],
			["gen_ai.usage.reasoning.output_tokens", call.impossible ? "NaN" : call.reasoning],
			["error.type", call.errorType === "" ? null : call.errorType],
			["armspan.fallback.reason", call.fallback === "" ? null : call.fallback],
			["gen_ai.response.finish_reasons", call.finish === "" ? null : JSON.stringify([call.finish])],
		];
		return {
			Timestamp: nanoseconds(call.atMs),
			TraceId: call.id.padStart(32, "0"),
			SpanId: call.id.padStart(16, "0"),
			ParentSpanId: "",
			TraceState: "",
			SpanName: "chat",
			SpanKind: "Client",
			ServiceName: "bot",
			ResourceAttributes: new Map([["deployment.environment.name", call.environment]]),
			ScopeName: "",
			ScopeVersion: "",
			SpanAttributes: new Map([
				...attributesOf(call),
				["gen_ai.operation.name", "chat"],
				["gen_ai.request.model", call.model],
				["gen_ai.provider.name", call.provider],
				...optional.flatMap(([key, value]): [string, string][] => (value === null ? [] : [[key, String(value)]])),
			]),
			Duration: String(call.latencyUs * 1000),
			StatusCode: call.failed ? "Error" : "Unset",
			StatusMessage: "",
			Events: [],
			Links: [],
		};
	});
}

export function logRowsOf({ exposures, events }: Evidence): LogRow[] {
	const logRow = (EventName: string, row: RandomRow, attributes: [string, string][]): LogRow => ({
		Timestamp: nanoseconds(row.atMs),
		TraceId: "",
		SpanId: "",
		TraceFlags: 0,
		SeverityText: "",
		SeverityNumber: 0,
		ServiceName: "bot",
		Body: "",
		ResourceSchemaUrl: "",
		ResourceAttributes: new Map([["deployment.environment.name", row.environment]]),
		ScopeSchemaUrl: "",
		ScopeName: "",
		ScopeVersion: "",
		ScopeAttributes: new Map(),
		LogAttributes: new Map([...attributesOf(row), ["armspan.event.id", row.id], ...attributes]),
		EventName,
	});
	return [
		...exposures.map((exposure) =>
			logRow(
				"feature_flag.evaluation",
				exposure,
				Object.entries(exposure.segments ?? {}).map(([name, value]) => [`armspan.segment.${name}`, value]),
			),
		),
		...events.map((event) =>
			logRow("gen_ai.evaluation.result", event, [
				["armspan.evaluation.kind", event.kind],
				["gen_ai.evaluation.name", event.name],
				["gen_ai.evaluation.score.label", event.label],
				...(event.scoreMicros === null
					? []
					: ([["gen_ai.evaluation.score.value", String(event.scoreMicros / 1e6)]] as [string, string][])),
			]),
		),
	];
}
