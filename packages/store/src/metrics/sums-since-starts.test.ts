import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUILT_IN_METRICS } from "@armspan/schema";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore } from "../open-store.ts";
import type { Store } from "../store.ts";
import { bruteForceTotals } from "./brute-force-totals.ts";
import { type Evidence, logRowsOf, type RandomRow, randomEvidence, traceRowsOf } from "./random-evidence.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-since-"));
let store: Store;

beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
});

afterAll(async () => {
	await store.close();
	rmSync(folder, { recursive: true });
});

const sumKinds = [...BUILT_IN_METRICS.values()].filter(({ kind }) => kind !== "quantile");
const OF_CALLS = sumKinds.filter(({ source }) => source === "calls");
const OF_EVENTS = sumKinds.filter(({ source }) => source !== "calls" && source !== "sql");
const key = { iteration: 1, unitType: "user", prompt: "reply" };

describe("sumsSinceStarts", () => {
	test.each([1, 2, 3, 4])("are those of the rows since each start: seed %i", async (seed) => {
		const evidence = randomEvidence(seed);
		const { experiment } = evidence;
		await store.insertTraces(traceRowsOf(evidence));
		await store.insertLogs(logRowsOf(evidence));
		// the same, delivered again
		await store.insertTraces(traceRowsOf({ ...evidence, calls: evidence.calls.slice(0, 20) }));
		const times = evidence.calls.map(({ atMs }) => atMs).sort((a, b) => a - b);
		const at = (share: number) => new Date(times[Math.floor(share * (times.length - 1))] ?? 0);
		const starts = [at(0.7), at(0.2), at(0.4), new Date(at(0.4).getTime() + 1), at(0.95)];
		const asOf = new Date(evidence.startMs + 1e10);
		const request = { experiment, ...key, asOf, environment: "production" };
		const found = await store.sumsSinceStarts({ ...request, starts, metrics: OF_CALLS });
		expect(found.length).toBeGreaterThan(0);

		const since = (from: Date) => (row: RandomRow) => row.atMs >= from.getTime() && row.atMs <= asOf.getTime();
		const from = (start: Date): Evidence => ({
			...evidence,
			calls: evidence.calls.filter(since(start)),
			exposures: evidence.exposures.filter(since(start)),
			events: [],
		});
		const crossing = unitsInTwo(from(at(0.2)), "production");
		for (const start of starts) {
			const whole = from(start);
			const kept = ({ unit }: RandomRow) => !crossing.has(unit);
			const rows = { ...whole, calls: whole.calls.filter(kept), exposures: whole.exposures.filter(kept) };
			const { arms } = bruteForceTotals(rows, { ...request, metrics: OF_CALLS });
			for (const variant of new Set(found.map((each) => each.variant))) {
				const sums = found.find((each) => each.variant === variant && each.start.getTime() === start.getTime());
				for (const metric of OF_CALLS) {
					const days = arms.filter((arm) => arm.variant === variant).map((arm) => arm.metrics[metric.key]);
					const sum = (of: "sumY" | "sumN" | "sumYY" | "sumNN" | "sumYN") =>
						days.reduce((total, each) => total + (each?.[of] ?? 0n), 0n);
					expect([start, variant, metric.key, sums?.metrics[metric.key]]).toEqual([
						start,
						variant,
						metric.key,
						{
							units: days.reduce((total, each) => total + (each?.units ?? 0), 0),
							...{ sumY: sum("sumY"), sumN: sum("sumN"), sumYY: sum("sumYY") },
							...{ sumNN: sum("sumNN"), sumYN: sum("sumYN"), scale: expect.any(Number) },
						},
					]);
				}
			}
		}
	});

	test("events count for their unit, which need not have called since", async () => {
		const experiment = "late-feedback";
		const startMs = Date.UTC(2026, 5, 1);
		const evidence = randomEvidence(9);
		const [exposure, event] = [evidence.exposures[0], evidence.events[0]];
		if (exposure === undefined || event === undefined) throw new TypeError("no evidence");
		const row = { experiment, iteration: 1, enrolled: true, shadow: false, revision: 1, environment: "" };
		const rows = ["a", "b", "c"].flatMap((unit, index) =>
			[0, 60_000].map((later) => ({ ...row, unit, variant: "control", atMs: startMs + later, id: `${index}${later}` })),
		);
		await store.insertLogs(
			logRowsOf({
				...evidence,
				exposures: rows
					.filter(({ unit, atMs }) => unit !== "c" || atMs === startMs)
					.map((each) => ({ ...exposure, ...each })),
				events: rows
					.filter(({ atMs }) => atMs > startMs)
					.map((each, index) => ({
						...{ ...event, ...each, id: `e${each.id}`, kind: "feedback" as const, label: "" },
						scoreMicros: index === 0 ? 250_000 : 1_000_000,
					})),
			}),
		);
		const [first, second] = [new Date(startMs), new Date(startMs + 30_000)];
		const found = await store.sumsSinceStarts({
			...{ experiment, ...key, asOf: new Date(startMs + 1e6), starts: [first, second] },
			metrics: OF_EVENTS,
		});
		const of = (start: Date, metric: string) =>
			found.find((each) => each.start.getTime() === start.getTime())?.metrics[metric];
		for (const start of [first, second]) {
			expect(of(start, "feedback")).toMatchObject({ units: 3, sumY: 2_250_000n, sumN: 3n });
			expect(of(start, "feedback-rate")).toMatchObject({ units: 3, sumY: 3n, sumN: 3n });
		}
	});

	test("nothing without starts or metrics", async () => {
		const request = { experiment: "x", ...key, asOf: new Date() };
		expect(await store.sumsSinceStarts({ ...request, starts: [], metrics: OF_CALLS })).toEqual([]);
		expect(await store.sumsSinceStarts({ ...request, starts: [new Date(0)], metrics: [] })).toEqual([]);
		expect(await store.sumsSinceStarts({ ...request, starts: [new Date(0)], metrics: OF_CALLS })).toEqual([]);
	});
});

function unitsInTwo({ calls, exposures }: Evidence, environment: string): Set<string> {
	const counts = (row: RandomRow) =>
		row.enrolled &&
		!row.shadow &&
		row.iteration === 1 &&
		row.variant !== "" &&
		["", environment].includes(row.environment);
	const units = Map.groupBy([...calls, ...exposures].filter(counts), ({ unit }) => unit);
	return new Set(
		[...units].filter(([, rows]) => new Set(rows.map(({ variant }) => variant)).size > 1).map(([unit]) => unit),
	);
}
