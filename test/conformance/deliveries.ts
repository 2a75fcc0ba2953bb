import { BUILT_IN_METRICS, MetricDefinition } from "@armspan/schema";
import { decodeLogs, decodeTraces, type Store } from "@armspan/store";

/** Numbers in [0, 1) that a seed repeats (mulberry32). */
export type Random = () => number;

export function randomNumbers(seed: number): Random {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** One span or event, as OTLP/JSON, with the environment that its resource names. */
export interface Delivered {
	signal: "traces" | "logs";
	environment: string;
	record: object;
}

const OWN_SQL = MetricDefinition.parse({
	...{ key: "own", source: "sql", kind: "mean", value: "numerator", direction: "increase" },
	query: "SELECT unit_id, started_at AS time, cost_nano_usd / 1e9 AS numerator FROM calls FINAL WHERE enrolled",
});

const ITERATION = { experiment: "tone", iteration: 1 };
const ENVIRONMENTS = ["production", "production", "production", "staging", ""];
/** What applications, proxies and attackers put where a number belongs. */
const NO_NUMBERS = ["NaN", "Infinity", "-Infinity", "-1", "1e308", "-0.5", "1e16", "", "many", "0x10", "9".repeat(400)];

const pick = <Item>(random: Random, items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
const hex = (random: Random, digits: number) =>
	Array.from({ length: digits }, () => Math.floor(random() * 15 + 1).toString(16)).join("");

/** Calls, exposures and evaluations of the last day, one in ten of them with something that cannot be. */
export function randomDeliveries(random: Random, { units, now }: { units: number; now: Date }): Delivered[] {
	const deliveries: Delivered[] = [];
	const nanos = () => {
		const chance = random();
		const day = BigInt(Math.floor(random() * 86_400_000)) * 1_000_000n;
		const at = BigInt(now.getTime()) * 1_000_000n - day;
		// 1970 and 2199: clocks that were never set
		return chance < 0.02 ? 1_000n : chance < 0.04 ? 7_226_582_400_000_000_000n : at;
	};
	const number = (value: number) => (random() < 0.1 ? pick(random, NO_NUMBERS) : String(value));
	for (let unit = 0; unit < units; unit++) {
		const environment = pick(random, ENVIRONMENTS);
		const variant = random() < 0.5 ? "control" : "friendly";
		const assigned = () => [
			text("gen_ai.prompt.name", "support-reply"),
			// some units use both
			text("gen_ai.prompt.version", random() < 0.3 ? "2.0.0" : "1.0.0"),
			// one in fifty calls says that its unit is in the other arm
			text("feature_flag.result.variant", `tone.${random() < 0.02 ? "friendly" : variant}`),
			text("armspan.experiment", "tone"),
			text("armspan.iteration", random() < 0.02 ? "no iteration" : "1"),
			text("armspan.enrolled", random() < 0.05 ? "false" : "true"),
			text("armspan.unit.type", "user"),
			text("armspan.unit.id", random() < 0.02 ? "" : `user-${unit}-ü'`),
			text("armspan.routing.revision", random() < 0.02 ? "-7" : random() < 0.7 ? "1" : "2"),
			...(random() < 0.05 ? [text("armspan.shadow", "true")] : []),
		];
		for (let call = Math.floor(random() * 12); call > 0; call--) {
			const start = nanos();
			const failed = random() < 0.15;
			deliveries.push({
				signal: "traces",
				environment,
				record: {
					traceId: hex(random, 32),
					spanId: hex(random, 16),
					name: "chat m",
					kind: 3,
					startTimeUnixNano: String(start),
					// one in fifty ends before it began
					endTimeUnixNano: String(start + BigInt(Math.floor((random() - 0.02) * 3e9))),
					status: failed ? { code: 2 } : {},
					attributes: [
						...assigned(),
						text("gen_ai.operation.name", "chat"),
						text("gen_ai.request.model", pick(random, ["m", "n"])),
						...(failed ? [text("error.type", pick(random, ["timeout", "429"]))] : []),
						text("gen_ai.usage.input_tokens", number(Math.floor(random() * 4000))),
						text("gen_ai.usage.output_tokens", number(Math.floor(random() * 900))),
						text("gen_ai.usage.cache_read.input_tokens", number(Math.floor(random() * 100))),
						text("gen_ai.response.time_to_first_chunk", number(random())),
						...(random() < 0.2 ? [] : [text("armspan.cost.usd", number(random() / 100))]),
						...(random() < 0.03 ? [text("armspan.fallback.reason", "render-failed")] : []),
					],
				},
			});
		}
		const event = (eventName: string, more: object[], id: string) =>
			deliveries.push({
				signal: "logs",
				environment,
				record: {
					timeUnixNano: String(nanos()),
					eventName,
					attributes: [...assigned(), ...more, ...(id === "" ? [] : [text("armspan.event.id", id)])],
				},
			});
		// one event in ten brings no identity
		const id = (name: string) => (random() < 0.1 ? "" : `${name}-${unit}`);
		for (const process of ["", "-again"]) {
			const plan = pick(random, ["free", "pro", "", "it's \\ ü"]);
			const segments = [text("armspan.segment.plan", plan), text("armspan.segment.seat", String(unit))];
			event(
				"feature_flag.evaluation",
				[text("feature_flag.key", "support-reply"), ...segments],
				id(`exposure${process}`),
			);
		}
		for (const kind of ["feedback", "conversion", "score"]) {
			if (random() < 0.6) {
				const score = text("gen_ai.evaluation.score.value", number(Math.round(random())));
				event(
					"gen_ai.evaluation.result",
					[text("gen_ai.evaluation.name", kind), text("armspan.evaluation.kind", kind), score],
					id(kind),
				);
			}
		}
	}
	return deliveries;
}

/** The same deliveries, each up to five times, in any order. */
export function repeatedAndShuffled(random: Random, deliveries: readonly Delivered[]): Delivered[] {
	const all = deliveries.flatMap((delivery) => Array.from({ length: 1 + Math.floor(random() * 5) }, () => delivery));
	for (let last = all.length - 1; last > 0; last--) {
		const other = Math.floor(random() * (last + 1));
		[all[last], all[other]] = [all[other] as Delivered, all[last] as Delivered];
	}
	return all;
}

/** Deliveries as the bodies of OTLP/JSON's two requests. */
export function otlpRequests(batch: readonly Delivered[]) {
	const traces = batch.filter(({ signal }) => signal === "traces");
	const logs = batch.filter(({ signal }) => signal === "logs");
	const resource = (environment: string) => ({
		attributes: [
			text("service.name", "bot"),
			...(environment === "" ? [] : [text("deployment.environment.name", environment)]),
		],
	});
	return {
		resourceSpans: traces.map(({ environment, record }) => ({
			resource: resource(environment),
			scopeSpans: [{ spans: [record] }],
		})),
		resourceLogs: logs.map(({ environment, record }) => ({
			resource: resource(environment),
			scopeLogs: [{ logRecords: [record] }],
		})),
	};
}

/** Sends deliveries in requests of up to `largest` records, each to any one of the stores. */
export async function deliver(
	stores: readonly Store[],
	deliveries: readonly Delivered[],
	random: Random,
	largest: number,
): Promise<void> {
	for (let next = 0; next < deliveries.length; ) {
		const batch = deliveries.slice(next, next + 1 + Math.floor(random() * largest));
		next += batch.length;
		const store = pick(random, stores);
		const { resourceSpans, resourceLogs } = otlpRequests(batch);
		const bytes = (body: object) => Buffer.from(JSON.stringify(body));
		await store.insertTraces(decodeTraces(bytes({ resourceSpans }), "application/json").rows);
		await store.insertLogs(decodeLogs(bytes({ resourceLogs }), "application/json").rows);
	}
}

/** All that the store says of evidence; landing rows are counted as delivered, so they are left out. */
export async function observeEvidence(store: Store, now: Date) {
	const origin = new Date(now.getTime() - 86_400_000);
	const metrics = [...BUILT_IN_METRICS.values()];
	const request = { ...ITERATION, metrics, asOf: now, unitType: "user", prompt: "support-reply" };
	const byKey = [];
	for (const narrower of [{}, { environment: "production" }, { environment: "staging", untilRevision: 1 }]) {
		const key = { ...ITERATION, ...narrower };
		byKey.push({
			metrics: await store.metricTotals({ ...request, ...narrower }),
			windows: await store.violationWindows({ ...key, origin, windowSeconds: 10 }),
			arrivals: await store.arrivalTimes({ ...key, numbers: [1, 5, 15] }),
			last: await store.lastCallStart({ ...key, variant: "friendly" }),
			health: await store.evidenceHealth(key),
			stray: await store.strayUnits({ ...key, variants: ["control"] }),
			since: await store.sumsSinceStarts({
				...{ ...key, metrics: metrics.filter(({ kind }) => kind !== "quantile"), asOf: now },
				starts: [24, 12, 3, 1].map((hours) => new Date(now.getTime() - hours * 3_600_000)),
			}),
		});
	}
	const bySegment = await store.segmentTotals({ ...request, segments: ["plan", "seat"] });
	const bySql = await store.metricTotals({ ...request, splitByCache: true, metrics: [...metrics, OWN_SQL] });
	const failure = bySql.sqlSources?.[0]?.failure;
	if (failure !== null) throw new Error(`the metric of source sql: ${failure}`);
	const matured = await store.metricTotals({ ...request, maturationMs: 3_600_000 });
	const compared = { prompt: "support-reply", versions: ["1.0.0", "2.0.0"], metrics, since: origin, until: now };
	const { traces: _, logs: __, ...counts } = await store.counts();
	return {
		byKey,
		bySegment,
		bySql,
		matured,
		overlap: await store.versionOverlap(compared),
		calls: await store.callIds({}),
		seen: await store.seenUnits({ unit: "user", since: origin, limit: 1000 }),
		revision: await store.highestRevision(),
		counts,
	};
}
