import { BUILT_IN_METRICS, type Decision, type Experiment } from "@armspan/schema";
import type { EvidenceHealth, RetentionOptions, SealRequest, Store } from "@armspan/store";
import type { FastifyBaseLogger } from "fastify";
import { expect, test, vi } from "vitest";
import { EvidenceCare } from "./evidence-care.ts";

const NOW = new Date("2026-11-20T12:00:00Z");

function care(
	health: Partial<EvidenceHealth>[],
	more: { startedAt?: string; haltedAt?: string; beyond?: number; status?: string; fails?: boolean } = {},
) {
	const asked: RetentionOptions[] = [];
	const logged: unknown[] = [];
	const summed: SealRequest[] = [];
	const experiment = {
		key: "tone",
		iteration: 1,
		metrics: [],
		status: more.status ?? "running",
	} as unknown as Experiment;
	const start = { kind: "start", decidedAt: more.startedAt, experiment: "tone", iteration: 1 } as Decision;
	const halt = { ...start, kind: "halt", decidedAt: more.haltedAt, lastRevision: 7 } as Decision;
	const store = {
		setRetention: async (options: RetentionOptions) => {
			asked.push(options);
			if (more.fails) throw new Error("gone");
			return { landingDays: 30, evidenceDays: 400, warnings: [] };
		},
		evidenceHealth: async () =>
			health.map((part) => ({ source: "calls", environment: "", rows: 100, quarantined: 0, undated: 0, ...part })),
		listDecisions: async () => [
			...(more.startedAt === undefined ? [] : [start]),
			...(more.haltedAt === undefined ? [] : [halt]),
		],
		callsBeyondRevision: async () => more.beyond ?? 0,
		sealUnitSums: async (request: SealRequest) => summed.push(request),
	} as unknown as Store;
	const logger = { warn: (text: unknown) => logged.push(text), error() {} } as unknown as FastifyBaseLogger;
	const options = { store, environment: "production", retention: { landing: 30, evidence: 400 }, logger };
	return { asked, summed, logged, tended: new EvidenceCare({ ...options, experiments: () => [experiment] }) };
}

const warningsOf = async (...input: Parameters<typeof care>) => {
	const { tended } = care(...input);
	await tended.tend(NOW);
	return tended.warnings;
};

test("nothing to say of evidence that names this environment, or of which none names any", async () => {
	expect(await warningsOf([])).toEqual([]);
	expect(await warningsOf([{ environment: "" }])).toEqual([]);
	expect(await warningsOf([{ environment: "production" }, { environment: "staging" }])).toEqual([]);
	expect(await warningsOf([{ environment: "production" }, { environment: "" }])).toEqual([]);
});

test("evidence that only others name, or that some name and some do not, is said with what to do", async () => {
	expect(await warningsOf([{ environment: "prod" }])).toEqual([
		expect.stringContaining('no evidence of environment "production", but of "prod"'),
	]);
	const { tended } = care([{ environment: "prod" }]);
	expect(tended.isBlind).toBe(false);
	await tended.tend(NOW);
	expect(tended.isBlind).toBe(true);
	expect(await warningsOf([{ environment: "staging" }, { environment: "" }])).toEqual([
		expect.stringContaining('100 rows name no environment and count in every one, beside those of "staging"'),
	]);
	expect(await warningsOf([{ environment: "prod" }], { status: "stopped" })).toEqual([]);
});

test("more than one row in a hundred that is quarantined is said; another environment's are not ours", async () => {
	expect(await warningsOf([{ environment: "production", quarantined: 1 }])).toEqual([]);
	expect(await warningsOf([{ environment: "production", quarantined: 2 }])).toEqual([
		expect.stringContaining("2 of 100 rows have a value or a time that cannot be"),
	]);
	expect(await warningsOf([{ environment: "production" }, { environment: "staging", quarantined: 90 }])).toEqual([]);
});

test("calls that a halt left out for their revision are said while they can still come", async () => {
	const halted = { status: "halted", haltedAt: "2026-11-20T11:00:00.000Z" };
	expect(await warningsOf([], halted)).toEqual([]);
	expect(await warningsOf([], { ...halted, beyond: 5 })).toEqual([
		expect.stringContaining("tone: 5 calls from before the halt of iteration 1 count nowhere"),
	]);
	expect(await warningsOf([], { ...halted, beyond: 5, haltedAt: "2026-11-01T11:00:00.000Z" })).toEqual([]);
});

test("a running iteration's start goes to the retention; a failure is a warning, and a warning is logged once", async () => {
	const { tended, asked, logged } = care([{ environment: "prod" }], { startedAt: "2026-01-01T00:00:00.000Z" });
	await tended.tend(NOW);
	await tended.tend(NOW);
	expect(asked[0]).toEqual({ landingDays: 30, evidenceDays: 400, keepSince: new Date("2026-01-01"), now: NOW });
	expect(logged).toHaveLength(1);
	expect(await warningsOf([], { fails: true })).toEqual(["the last look after the evidence failed: see the log"]);
});

test("sums that take long are made seldomer: no more than a twentieth of the time", async () => {
	const { tended, summed } = care([{ environment: "production", rows: 200_000 }]);
	let elapsedMs = 0;
	const clock = vi.spyOn(performance, "now").mockImplementation(() => {
		elapsedMs += 120_000;
		return elapsedMs;
	});
	const seen: number[] = [];
	for (const minutes of [0, 20, 39, 40]) {
		await tended.tend(new Date(NOW.getTime() + minutes * 60_000));
		seen.push(summed.length);
	}
	clock.mockRestore();
	expect(seen).toEqual([1, 1, 1, 2]);
});

test("what a running iteration with many calls had is summed every quarter of an hour, with every metric that may be asked", async () => {
	const { tended, summed } = care([{ environment: "production", rows: 150_000 }, { rows: 50_000 }]);
	for (const minutes of [0, 10, 20, 25, 30]) await tended.tend(new Date(NOW.getTime() + minutes * 60_000));
	expect(summed.map(({ experiment, iteration }) => [experiment, iteration])).toEqual([
		["tone", 1],
		["tone", 1],
	]);
	expect(summed[0]?.metrics).toEqual([...BUILT_IN_METRICS.values()]);
	for (const [health, status] of [
		[{ rows: 199_999 }, "running"],
		[{ rows: 900_000, source: "exposures" }, "running"],
		[{ rows: 900_000 }, "stopped"],
	] as const) {
		const other = care([health], { status });
		await other.tended.tend(NOW);
		expect(other.summed).toEqual([]);
	}
});
