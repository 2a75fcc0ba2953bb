import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import type { Decision } from "@armspan/schema";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SummedMetric, type VariantSums, variantSums } from "./metrics/variant-sums.ts";
import { openStore } from "./open-store.ts";
import type { LogRow, TraceRow } from "./rows.ts";
import type { RatioMoments, Store, ViolationWindows } from "./store.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-store-"));
let store: Store;

beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
});

afterAll(async () => {
	await store.close();
	rmSync(folder, { recursive: true });
});

const ORIGIN_MS = Date.UTC(2026, 0, 15, 12);

interface Assignment {
	experiment: string;
	iteration: number;
	unit: string;
	variant: string;
	enrolled: boolean;
	shadow: boolean;
	revision: number;
	/** Milliseconds after ORIGIN_MS; may be negative. */
	atMs: number;
}

/** An enrolled call of control, in its first iteration. */
const assignment = (experiment: string): Assignment => ({
	...{ experiment, iteration: 1, unit: "u1", variant: "control" },
	...{ enrolled: true, shadow: false, revision: 1, atMs: 0 },
});

interface Call extends Assignment {
	spanId: string;
	fallback?: string | undefined;
	latencyUs: number;
	/** Nano-USD; undefined when unknown. */
	cost: number | undefined;
	failed: boolean;
}

interface Exposure extends Assignment {
	eventId: string;
}

interface Evaluation extends Assignment {
	eventId: string;
	kind: "feedback" | "conversion" | "score";
	/** Score × 10⁶; undefined when it has none. */
	score: number | undefined;
}

interface Evidence {
	calls: Call[];
	exposures: Exposure[];
	evaluations: Evaluation[];
}

function attributesOf(assignment: Assignment): [string, string][] {
	return [
		["gen_ai.prompt.name", "support-reply"],
		["gen_ai.prompt.version", "1.0.0"],
		["feature_flag.key", "support-reply"],
		["feature_flag.result.variant", `${assignment.experiment}.${assignment.variant}`],
		["armspan.experiment", assignment.experiment],
		["armspan.iteration", String(assignment.iteration)],
		["armspan.unit.type", "user"],
		["armspan.unit.id", assignment.unit],
		["armspan.enrolled", String(assignment.enrolled)],
		["armspan.routing.revision", String(assignment.revision)],
		...(assignment.shadow ? ([["armspan.shadow", "true"]] as [string, string][]) : []),
	];
}

const nanoseconds = (atMs: number) => String(BigInt(ORIGIN_MS + atMs) * 1_000_000n);

function traceRow(changes: Partial<TraceRow>): TraceRow {
	return {
		Timestamp: nanoseconds(0),
		TraceId: "0af7651916cd43dd8448eb211c80319c",
		SpanId: "b7ad6b7169203331",
		ParentSpanId: "",
		TraceState: "",
		SpanName: "chat",
		SpanKind: "Client",
		ServiceName: "support-bot",
		ResourceAttributes: new Map([["service.name", "support-bot"]]),
		ScopeName: "",
		ScopeVersion: "",
		SpanAttributes: new Map(),
		Duration: "1000000",
		StatusCode: "Unset",
		StatusMessage: "",
		Events: [],
		Links: [],
		...changes,
	};
}

function callRow(call: Call): TraceRow {
	return traceRow({
		Timestamp: nanoseconds(call.atMs),
		TraceId: call.spanId.padStart(32, "a"),
		SpanId: call.spanId,
		Duration: String(call.latencyUs * 1_000 + 7),
		StatusCode: call.failed ? "Error" : "Unset",
		SpanAttributes: new Map([
			...attributesOf(call),
			["gen_ai.operation.name", "chat"],
			...(call.fallback === undefined ? [] : [["armspan.fallback.reason", call.fallback] as [string, string]]),
			...(call.cost === undefined ? [] : [["armspan.cost.usd", String(call.cost / 1e9)] as [string, string]]),
		]),
	});
}

function logRow(eventName: string, atMs: number, attributes: [string, string][]): LogRow {
	return {
		Timestamp: nanoseconds(atMs),
		TraceId: "",
		SpanId: "",
		TraceFlags: 0,
		SeverityText: "",
		SeverityNumber: 0,
		ServiceName: "support-bot",
		Body: "",
		ResourceSchemaUrl: "",
		ResourceAttributes: new Map(),
		ScopeSchemaUrl: "",
		ScopeName: "",
		ScopeVersion: "",
		ScopeAttributes: new Map(),
		LogAttributes: new Map(attributes),
		EventName: eventName,
	};
}

const exposureRow = (exposure: Exposure) =>
	logRow("feature_flag.evaluation", exposure.atMs, [...attributesOf(exposure), ["armspan.event.id", exposure.eventId]]);

/** The event name as an attribute, as SDKs without LogRecord.event_name send it. */
const evaluationRow = (evaluation: Evaluation) =>
	logRow("", evaluation.atMs, [
		...attributesOf(evaluation),
		["event.name", "gen_ai.evaluation.result"],
		["armspan.event.id", evaluation.eventId],
		["armspan.evaluation.kind", evaluation.kind],
		["gen_ai.evaluation.name", "thumbs"],
		...(evaluation.score === undefined
			? []
			: [["gen_ai.evaluation.score.value", String(evaluation.score / 1e6)] as [string, string]]),
	]);

function randomNumbers(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
	};
}

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
	const result = [...items];
	for (let index = result.length - 1; index > 0; index--) {
		const other = Math.floor(random() * (index + 1));
		[result[index], result[other]] = [result[other] as Item, result[index] as Item];
	}
	return result;
}

/** Evidence of one experiment, with everything in it that must be left out. */
function randomEvidence(experiment: string, seed: number): Evidence {
	const random = randomNumbers(seed);
	const evidence: Evidence = { calls: [], exposures: [], evaluations: [] };
	const id = () =>
		Math.floor(random() * 2 ** 48)
			.toString(16)
			.padStart(16, String(seed));
	for (let index = 0; index < 150; index++) {
		const usual: Assignment = {
			experiment,
			iteration: random() < 0.9 ? 1 : 2,
			unit: `user-${index}`,
			variant: ["control", "treatment", "third"][Math.floor(random() * 3)] as string,
			enrolled: random() < 0.95,
			shadow: false,
			revision: 1,
			atMs: 0,
		};
		const at = (from: number): Assignment => ({
			...usual,
			shadow: random() < 0.05,
			revision: 1 + Math.floor(random() * 3),
			// some users are in both arms, which must not happen but does
			variant: index % 15 === 0 && random() < 0.5 ? "treatment" : usual.variant,
			atMs: Math.floor(from + random() * 60_000),
		});
		for (let call = Math.floor(random() * 6); call > 0; call--) {
			evidence.calls.push({
				...at(-5_000),
				spanId: id(),
				latencyUs: Math.floor(random() * 3_000_000),
				cost: random() < 0.7 ? Math.floor(random() * 5_000_000) : undefined,
				failed: random() < 0.3,
				fallback: [undefined, "render-failed", "prompt-unreadable", "bundle-stale"][Math.floor(random() * 8)],
			});
		}
		if (random() < 0.6) {
			evidence.exposures.push({ ...at(-5_000), eventId: randomUUID() });
		}
		for (let event = Math.floor(random() * 4); event > 0; event--) {
			const where = at(0);
			evidence.evaluations.push({
				...where,
				// an event that names an arm the unit is not in
				variant: random() < 0.1 ? "third" : where.variant,
				eventId: randomUUID(),
				kind: (["feedback", "conversion", "score"] as const)[Math.floor(random() * 3)] as Evaluation["kind"],
				score: random() < 0.8 ? Math.floor(random() * 2) * 1_000_000 : undefined,
			});
		}
	}
	const uncounted = { ...(evidence.calls[0] as Call), iteration: 1, variant: "treatment", atMs: 70_000 };
	evidence.calls.push(
		{ ...uncounted, unit: "shadowed", spanId: id(), enrolled: true, shadow: true },
		{ ...uncounted, unit: "unenrolled", spanId: id(), enrolled: false, shadow: false },
	);
	return evidence;
}

/** Delivers everything five times, in another order and other batches each time. */
async function deliverFiveTimes(evidence: Evidence, seed: number): Promise<void> {
	const random = randomNumbers(seed);
	for (let delivery = 0; delivery < 5; delivery++) {
		const traces = shuffled(evidence.calls.map(callRow), random);
		const logs = shuffled([...evidence.exposures.map(exposureRow), ...evidence.evaluations.map(evaluationRow)], random);
		while (traces.length + logs.length > 0) {
			const size = 1 + Math.floor(random() * 400);
			await store.insertTraces(traces.splice(0, size));
			await store.insertLogs(logs.splice(0, size));
		}
	}
}

/** The same statistics from the model, the slow and plain way. */
function expectedTotals(evidence: Evidence, iteration: number, untilRevision = Number.POSITIVE_INFINITY) {
	const counts = (item: Assignment) =>
		item.iteration === iteration && item.enrolled && !item.shadow && item.revision <= untilRevision;
	const calls = evidence.calls.filter(counts);
	const exposures = evidence.exposures.filter(counts);
	const evaluations = evidence.evaluations.filter(counts);
	const arms = new Map<string, Set<string>>();
	const firstMs = new Map<string, number>();
	for (const { unit, variant, atMs } of [...calls, ...exposures]) {
		arms.set(unit, (arms.get(unit) ?? new Set()).add(variant));
		firstMs.set(unit, Math.min(firstMs.get(unit) ?? Number.POSITIVE_INFINITY, atMs));
	}
	const perUnit = new Map<
		string,
		Record<SummedMetric, [y: number, n: number]> & { variant: string; calls: number; undelivered: number }
	>();
	for (const [unit, variants] of arms) {
		if (variants.size > 1) {
			continue;
		}
		const variant = [...variants][0] as string;
		const own = calls.filter((call) => call.unit === unit);
		const after = evaluations.filter(
			(event) => event.unit === unit && event.variant === variant && event.atMs >= (firstMs.get(unit) as number),
		);
		const successes = own.filter((call) => !call.failed);
		const priced = own.filter((call) => call.cost !== undefined);
		const scored = after.filter((event) => event.kind === "feedback" && event.score !== undefined);
		const converted = after.some((event) => event.kind === "conversion" && event.score !== 0);
		const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
		perUnit.set(unit, {
			variant,
			calls: own.length,
			undelivered: own.filter(({ fallback }) => fallback === "render-failed" || fallback === "prompt-unreadable")
				.length,
			"error-rate": [own.filter((call) => call.failed).length, own.length],
			latency: [sum(successes.map((call) => call.latencyUs)), successes.length],
			cost: [sum(priced.map((call) => call.cost as number)), priced.length],
			feedback: [sum(scored.map((event) => event.score as number)), scored.length],
			conversion: [converted ? 1 : 0, 1],
		});
	}
	const scales = { "error-rate": 1, latency: 1e3, cost: 1e9, feedback: 1e6, conversion: 1 };
	const variants = [...new Set([...perUnit.values()].map((unit) => unit.variant))].sort().map((variant) => {
		const units = [...perUnit.values()].filter((unit) => unit.variant === variant);
		const metrics = {} as Record<SummedMetric, RatioMoments>;
		for (const metric of Object.keys(scales) as SummedMetric[]) {
			const moments: RatioMoments = {
				units: 0,
				sumY: 0n,
				sumN: 0n,
				sumYY: 0n,
				sumNN: 0n,
				sumYN: 0n,
				scale: scales[metric],
			};
			for (const unit of units) {
				const [y, n] = unit[metric].map(BigInt) as [bigint, bigint];
				moments.units += n > 0n ? 1 : 0;
				moments.sumY += y;
				moments.sumN += n;
				moments.sumYY += y * y;
				moments.sumNN += n * n;
				moments.sumYN += y * n;
			}
			metrics[metric] = moments;
		}
		return {
			variant,
			units: units.length,
			calls: units.reduce((total, unit) => total + unit.calls, 0),
			undeliveredCalls: units.reduce((total, unit) => total + unit.undelivered, 0),
			metrics,
		};
	});
	const counted = calls.filter((call) => arms.get(call.unit)?.size === 1);
	return {
		excludedUnits: [...arms.values()].filter((seen) => seen.size > 1).length,
		newestCallAt: counted.length === 0 ? null : new Date(ORIGIN_MS + Math.max(...counted.map((call) => call.atMs))),
		variants,
	} satisfies VariantSums;
}

function expectedWindows(evidence: Evidence, iteration: number, windowSeconds: number, untilRevision: number) {
	const calls = evidence.calls.filter(
		(call) => call.iteration === iteration && call.enrolled && !call.shadow && call.revision <= untilRevision,
	);
	const failed = calls.filter((call) => call.failed);
	const byUnit = Map.groupBy(failed, (call) => call.unit);
	const exposures = evidence.exposures.filter(
		(event) => event.iteration === iteration && event.enrolled && !event.shadow && event.revision <= untilRevision,
	);
	const result = new Map<string, ViolationWindows & { counts: Map<number, number> }>(
		calls.map(({ variant }) => [variant, { variant, windows: [], counts: new Map() }]),
	);
	for (const own of byUnit.values()) {
		const seen = [...own, ...exposures.filter((event) => event.unit === own[0]?.unit)];
		const variants = new Set(seen.map(({ variant }) => variant));
		if (variants.size > 1) {
			continue;
		}
		const variant = [...variants][0] as string;
		const arm = result.get(variant)!;
		const failures = own.map((call) => call.atMs);
		if (failures.length > 0) {
			const window = Math.max(0, Math.floor(Math.max(...failures) / (windowSeconds * 1_000)));
			arm.counts.set(window, (arm.counts.get(window) ?? 0) + 1);
		}
		result.set(variant, arm);
	}
	return [...result.values()]
		.map(({ counts, ...arm }) => ({
			...arm,
			windows: [...counts].sort(([a], [b]) => a - b).map(([window, units]) => ({ window, units })),
		}))
		.sort((a, b) => (a.variant < b.variant ? -1 : 1));
}

describe.each([1, 2, 3])(
	"evidence of seed %i delivered five times, shuffled, gives the numbers of a plain computation",
	(seed) => {
		const experiment = `random-${seed}`;
		const evidence = randomEvidence(experiment, seed);

		beforeAll(() => deliverFiveTimes(evidence, seed));

		test.each([1, 2, 3, undefined])("variant totals until revision %s", async (untilRevision) => {
			for (const iteration of [1, 2]) {
				const key = { experiment, iteration, ...(untilRevision === undefined ? {} : { untilRevision }) };
				expect(await variantSums(store, key)).toEqual(expectedTotals(evidence, iteration, untilRevision));
			}
		});

		test("the evidence has units in two arms, late feedback and calls that must not count, so the comparison means something", () => {
			const totals = expectedTotals(evidence, 1);
			expect(totals.excludedUnits).toBeGreaterThan(0);
			expect(totals.variants).toHaveLength(3);
			for (const { metrics } of totals.variants) {
				expect(metrics.feedback.sumN).toBeGreaterThan(0n);
				expect(metrics.conversion.sumY).toBeGreaterThan(0n);
			}
		});

		test.each([1, 10, 0.5])("violation windows of %s s", async (windowSeconds) => {
			for (const untilRevision of [1, 3]) {
				const key = { experiment, iteration: 1, untilRevision, origin: new Date(ORIGIN_MS), windowSeconds };
				expect(await store.violationWindows(key)).toEqual(expectedWindows(evidence, 1, windowSeconds, untilRevision));
			}
		});

		test("start of the last call of a variant", async () => {
			const starts = evidence.calls
				.filter((call) => call.iteration === 1 && call.variant === "treatment" && call.enrolled && !call.shadow)
				.map((call) => call.atMs);
			expect(await store.lastCallStart({ experiment, iteration: 1, variant: "treatment" })).toEqual(
				new Date(ORIGIN_MS + Math.max(...starts)),
			);
			const since = (ms: number) =>
				store.lastCallStart({ experiment, iteration: 1, variant: "treatment", since: new Date(ORIGIN_MS + ms) });
			expect(await since(Math.max(...starts) - 1)).toEqual(new Date(ORIGIN_MS + Math.max(...starts)));
			expect(await since(Math.max(...starts))).toBeNull();
		});

		test("every call is listed once", async () => {
			const ids = (await store.callIds({ since: new Date(ORIGIN_MS - 10_000) })).map((call) => call.spanId);
			for (const { spanId } of evidence.calls) {
				expect(ids.filter((id) => id === spanId)).toHaveLength(1);
			}
		});
	},
);

test("an experiment of which nothing is known has no variants", async () => {
	const key = { experiment: "nothing", iteration: 1 };
	expect(await variantSums(store, key)).toEqual({ excludedUnits: 0, newestCallAt: null, variants: [] });
	expect(await store.violationWindows({ ...key, origin: new Date(ORIGIN_MS), windowSeconds: 1 })).toEqual([]);
	expect(await store.lastCallStart({ ...key, variant: "control" })).toBeNull();
});

describe("spans with values that cannot be", () => {
	const experiment = "garbage";
	const call = (changes: Partial<TraceRow>, attributes: [string, string][]): TraceRow => {
		const row = callRow({
			experiment,
			iteration: 1,
			unit: "u",
			variant: "control",
			enrolled: true,
			shadow: false,
			revision: 1,
			atMs: 0,
			spanId: randomUUID().replaceAll("-", "").slice(0, 16),
			latencyUs: 1_000,
			cost: 5,
			failed: false,
		});
		return { ...row, ...changes, SpanAttributes: new Map([...row.SpanAttributes, ...attributes]) };
	};
	const GARBAGE = [
		"NaN",
		"nan",
		"Infinity",
		"-Infinity",
		"-1",
		"1e308",
		"1e16",
		"abc",
		"1e",
		"0x10",
		"{}",
		"\u0000",
		"💥",
	];

	const NUMERIC_KEYS = [
		"gen_ai.usage.input_tokens",
		"gen_ai.usage.output_tokens",
		"gen_ai.usage.cache_read.input_tokens",
		"gen_ai.usage.reasoning.output_tokens",
		"gen_ai.response.time_to_first_chunk",
		"gen_ai.response.finish_reasons",
		"gen_ai.evaluation.score.value",
		"armspan.event.id",
		"armspan.evaluation.kind",
		"error.type",
	];

	test("are stored, counted as calls, set apart, and poison no sum", async () => {
		const before = await store.counts();
		const rows = [
			call({}, []),
			...GARBAGE.map((value) => call({}, [["armspan.cost.usd", value]])),
			...GARBAGE.map((value) => call({}, [["gen_ai.usage.input_tokens", value]])),
			...GARBAGE.map((value) => call({}, [["gen_ai.response.time_to_first_chunk", value]])),
			call({ Duration: "18446744073709550617" }, []),
			call({ Timestamp: "0" }, []),
			call({ Timestamp: String(BigInt(Date.UTC(2099, 0, 1)) * 1_000_000n) }, []),
			call({}, [["gen_ai.response.finish_reasons", "{{{"]]),
			call({}, [["armspan.routing.revision", "many"]]),
		];
		await store.insertTraces(rows);
		const after = await store.counts();
		expect(after.calls - before.calls).toBe(rows.length);

		const totals = await variantSums(store, { experiment, iteration: 1 });
		const [control] = totals.variants;
		const garbageCosts = GARBAGE.length;
		expect(control?.calls).toBe(rows.length);
		expect(control?.metrics.cost.sumN).toBe(BigInt(rows.length - garbageCosts));
		expect(control?.metrics.cost.sumY).toBe(BigInt(rows.length - garbageCosts) * 5n);
		// one that lasted for centuries; a start that cannot be says nothing of how long it took
		expect(control?.metrics.latency.sumN).toBe(BigInt(rows.length - 1));
		expect(control?.metrics.latency.sumY).toBe(BigInt(rows.length - 1) * 1_000n);
		expect(totals.newestCallAt).toEqual(new Date(ORIGIN_MS));
	});

	test("garbage in the assignment goes nowhere near the experiment, and the insert still succeeds", async () => {
		const before = await store.counts();
		const assignments: [string, string][][] = GARBAGE.map((value) => [
			["armspan.iteration", value],
			["armspan.enrolled", value],
			["armspan.experiment", value],
			["feature_flag.result.variant", value],
		]);
		await store.insertTraces(assignments.map((attributes) => call({}, attributes)));
		expect((await store.counts()).calls - before.calls).toBe(GARBAGE.length);
	});

	test("whatever text stands in whatever attribute, the insert succeeds", async () => {
		const keys = [...call({}, []).SpanAttributes.keys(), ...NUMERIC_KEYS];
		const text = fc.oneof(
			fc.string({ unit: "binary" }),
			fc.double().map(String),
			fc.bigInt().map(String),
			fc.json(),
			fc.constantFrom(...GARBAGE),
		);
		const attributes = fc.array(fc.tuple(fc.constantFrom(...keys), text), { maxLength: 12 });
		const rows = fc.sample(attributes, { seed: 1, numRuns: 500 }).map((pairs) => call({}, pairs as [string, string][]));
		const before = await store.counts();
		await store.insertTraces(rows);
		await store.insertLogs(
			rows.flatMap((row) => [
				{ ...logRow("gen_ai.evaluation.result", 0, []), LogAttributes: row.SpanAttributes },
				{ ...logRow("feature_flag.evaluation", 0, []), LogAttributes: row.SpanAttributes },
			]),
		);
		const after = await store.counts();
		expect([after.traces - before.traces, after.logs - before.logs]).toEqual([500, 1_000]);
	});

	test("events with impossible scores and times are stored and count nowhere", async () => {
		const assignment: Assignment = {
			experiment: "garbage-events",
			iteration: 1,
			unit: "u",
			variant: "control",
			enrolled: true,
			shadow: false,
			revision: 1,
			atMs: 0,
		};
		const feedback = (eventId: string, score: string, timestamp = nanoseconds(1_000)): LogRow => {
			const row = evaluationRow({ ...assignment, eventId, kind: "feedback", score: undefined });
			return {
				...row,
				Timestamp: timestamp,
				LogAttributes: new Map([...row.LogAttributes, ["gen_ai.evaluation.score.value", score]]),
			};
		};
		const impossible = [...GARBAGE.filter((value) => value !== "-1"), "1e10", "-1e10"];
		await store.insertLogs([
			exposureRow({ ...assignment, eventId: "exposed" }),
			feedback("good", "0.25"),
			...impossible.map((value, index) => feedback(`bad-${index}`, value)),
			feedback("1970", "1", "0"),
			feedback("2099", "1", String(BigInt(Date.UTC(2099, 0, 1)) * 1_000_000n)),
		]);
		const [control] = (await variantSums(store, { experiment: "garbage-events", iteration: 1 })).variants;
		expect(control?.metrics.feedback).toMatchObject({ sumY: 250_000n, sumN: 1n });
	});
});

test("calls in a shadow are kept as such, and count in no comparison, no guardrail and no last call", async () => {
	const quiet = { ...assignment("quiet"), variant: "treatment", unit: "shadowed", enrolled: false, shadow: true };
	const call = (changes: Partial<Call>): Call => ({
		...quiet,
		spanId: "",
		latencyUs: 1,
		cost: 1,
		failed: true,
		...changes,
	});
	await store.insertTraces([
		callRow(call({ spanId: "00000000000000c1" })),
		// an application that says "enrolled" too
		callRow(call({ spanId: "00000000000000c2", enrolled: true })),
		callRow(call({ spanId: "00000000000000c3", enrolled: true, shadow: false, unit: "live", variant: "control" })),
	]);
	const key = { experiment: "quiet", iteration: 1 };
	const { variants, excludedUnits } = await variantSums(store, key);
	expect(variants.map(({ variant, calls }) => [variant, calls])).toEqual([["control", 1]]);
	expect(excludedUnits).toBe(0);
	const windows = await store.violationWindows({ ...key, origin: new Date(ORIGIN_MS), windowSeconds: 60 });
	expect(windows.map(({ variant }) => variant)).toEqual(["control"]);
	expect(await store.lastCallStart({ ...key, variant: "treatment" })).toBeNull();
	const ours = (await store.callIds({})).filter((one) => /^0{14}c\d$/.test(one.spanId));
	expect(ours.map((one) => [one.spanId.slice(-2), one.isShadow]).sort()).toEqual([
		["c1", true],
		["c2", true],
		["c3", false],
	]);
});

test("units that were seen: most recent first, each once, and hashed ones only counted", async () => {
	const hashed = "5f".repeat(32);
	const call = (unit: string, atMs: number, index: number): Call => ({
		...{ ...assignment("seen"), unit, atMs, spanId: `00000000000000e${index}` },
		...{ latencyUs: 1, cost: undefined, failed: false },
	});
	const hourMs = 3_600_000;
	const at = 100 * hourMs;
	await store.insertTraces([
		...["ada", "bob", hashed, "ada"].map((unit, index) => callRow(call(unit, at + index * hourMs, index))),
		callRow(call("too-old", at - hourMs, 5)),
	]);
	await store.insertLogs([
		exposureRow({ ...assignment("seen"), unit: "cleo", atMs: at + 9 * hourMs, eventId: "cleo" }),
	]);
	const since = new Date(ORIGIN_MS + at);
	const seen = (limit: number) => store.seenUnits({ unit: "user", since, limit });
	expect(await seen(3)).toEqual({ units: ["cleo", "ada", "bob"], truncated: false, hashed: 1 });
	expect(await seen(2)).toEqual({ units: ["cleo", "ada"], truncated: true, hashed: 1 });
	expect(await store.seenUnits({ unit: "session", since, limit: 9 })).toEqual({
		units: [],
		truncated: false,
		hashed: 0,
	});
});

test("only leaf operations of a named prompt are calls, whoever named the prompt", async () => {
	const before = await store.counts();
	const named = (spanId: string, attributes: Record<string, string>) =>
		traceRow({ SpanId: spanId, SpanAttributes: new Map(Object.entries(attributes)) });
	await store.insertTraces([
		named("00000000000000a1", { "gen_ai.prompt.name": "p", "gen_ai.operation.name": "invoke_agent" }),
		named("00000000000000a2", { "gen_ai.prompt.name": "p", "gen_ai.operation.name": "execute_tool" }),
		named("00000000000000a3", { "gen_ai.operation.name": "chat" }),
		named("00000000000000a4", { "gen_ai.prompt.name": "p" }),
		named("00000000000000b1", {
			"gen_ai.prompt.name": "p",
			"gen_ai.prompt.version": "1",
			"gen_ai.operation.name": "chat",
		}),
		named("00000000000000b2", {
			"langfuse.observation.prompt.name": "p",
			"langfuse.observation.prompt.version": "2",
			"gen_ai.prompt.version": "not-theirs",
			"gen_ai.operation.name": "embeddings",
		}),
		named("00000000000000b3", {
			"langfuse.prompt.name": "p",
			"langfuse.prompt.version": "3",
			"gen_ai.operation.name": "text_completion",
		}),
		named("00000000000000b4", {
			"traceloop.prompt.key": "p",
			"traceloop.prompt.version": "4",
			"llm.request.type": "chat",
		}),
		named("00000000000000b5", {
			"prompt.id": "p",
			"llm.prompt_template.version": "5",
			"openinference.span.kind": "LLM",
		}),
	]);
	expect((await store.counts()).calls - before.calls).toBe(5);
	const ours = (await store.callIds({})).filter((call) => /^0{14}(a|b)\d$/.test(call.spanId));
	expect(ours.map((call) => [call.spanId.slice(-2), call.promptVersion]).sort()).toEqual([
		["b1", "1"],
		["b2", "2"],
		["b3", "3"],
		["b4", "4"],
		["b5", "5"],
	]);
});

test("text that is SQL, JSON or two lines to somebody comes back as it went in", async () => {
	const responseId = '\'); DROP TABLE calls; --\n\n\t\\N "x" {id:String} \u0001 💥';
	await store.insertTraces([
		traceRow({
			SpanId: "00000000000000c1",
			SpanAttributes: new Map([
				["gen_ai.prompt.name", "p"],
				["gen_ai.operation.name", "chat"],
				["gen_ai.response.id", responseId],
				["__proto__", "inert"],
			]),
			Events: [{ Timestamp: nanoseconds(0), Name: "e\n", Attributes: new Map([["k;", "v\n;"]]) }],
			Links: [{ TraceId: "", SpanId: "", TraceState: "", Attributes: new Map() }],
		}),
	]);
	const call = (await store.callIds({})).find(({ spanId }) => spanId === "00000000000000c1");
	expect(call?.responseId).toBe(responseId);
	expect(({} as Record<string, unknown>).inert).toBeUndefined();
});

test("a row that is refused is not quoted: it may hold what people wrote", async () => {
	const secret = "my-account-number-4711";
	const refused = await store
		.insertTraces([traceRow({ Timestamp: "1.5", SpanAttributes: new Map([["gen_ai.input.messages", secret]]) })])
		.catch((error: unknown) => error);
	expect(refused).toMatchObject({ code: "INSERT_FAILED", details: { table: "otel_traces" } });
	expect(inspect(refused, { depth: 10 })).not.toContain(secret);
	expect((refused as Error).message).toContain("cannot insert into otel_traces");
});

test("spans of 150 days in one batch are inserted: late data is not refused", async () => {
	const before = await store.counts();
	await store.insertTraces(
		Array.from({ length: 150 }, (_, day) =>
			traceRow({ Timestamp: nanoseconds(-day * 86_400_000), SpanId: (0xd000 + day).toString(16).padStart(16, "0") }),
		),
	);
	expect((await store.counts()).traces - before.traces).toBe(150);
});

test("inserts and analyses at the same time wait for their turn and all succeed", async () => {
	const before = await store.counts();
	const batch = (index: number) => traceRow({ SpanId: (0xe00000 + index).toString(16).padStart(16, "0") });
	await Promise.all([
		...Array.from({ length: 30 }, (_, index) => store.insertTraces([batch(index)])),
		...Array.from({ length: 10 }, () => variantSums(store, { experiment: "random-1", iteration: 1 })),
		store.ping(),
	]);
	expect((await store.counts()).traces - before.traces).toBe(30);
});

test("identical batches are not swallowed: the landing table keeps each delivery", async () => {
	const before = await store.counts();
	const row = traceRow({ SpanId: "00000000000000f1" });
	await store.insertTraces([row]);
	await store.insertTraces([row]);
	expect((await store.counts()).traces - before.traces).toBe(2);
});

test("decisions come back as they were, once each, in the order of their time", async () => {
	const decision = (minute: number, changes: Partial<Decision> = {}): Decision => ({
		id: randomUUID(),
		decidedAt: new Date(ORIGIN_MS + minute * 60_000).toISOString(),
		kind: "halt",
		actor: "guardrail",
		experiment: "halted",
		iteration: 1,
		metric: "error-rate",
		reason: '30 % of calls failed; "ouch"\n',
		statistic: { name: "first-violation", variant: "treatment", logEValue: 12.345678901234567, logThreshold: 3.7 },
		inputs: { windows: [1, 2, 3], share: 0.1 + 0.2, nested: { nothing: null } },
		experimentDigest: "d",
		codeVersion: "0.1.0",
		lastRevision: 7,
		...changes,
	});
	const later = decision(2);
	const earlier = decision(1, { kind: "start", actor: "service", metric: null, statistic: null });
	const other = decision(3, { iteration: 2 });
	for (const each of [later, other, earlier, later]) {
		await store.appendDecision(each);
	}
	expect(await store.listDecisions({ experiment: "halted" })).toEqual([earlier, later, other]);
	expect(await store.listDecisions({ experiment: "halted", iteration: 1 })).toEqual([earlier, later]);
	expect(await store.listDecisions({ experiment: "nobody" })).toEqual([]);
	await expect(store.appendDecision({ ...later, id: "no uuid" })).rejects.toMatchObject({ code: "DECISION_INVALID" });
});
