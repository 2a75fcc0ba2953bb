import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { analyzeExperiment, guardrailDecision, startDecision } from "@armspan/analysis";
import { Experiment } from "@armspan/schema";
import { openStore, type Snapshot, type Store, storeOfEnvironment, type WrittenLook } from "@armspan/store";
import type { FastifyBaseLogger } from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadEvidence } from "../test-support/loaded-evidence.ts";
import { ComparisonLooks, type ComparisonLooksOptions } from "./comparison-looks.ts";

const NOW = new Date("2026-11-20T12:34:56Z");
const at = (clock: string) => new Date(`2026-11-20T${clock}Z`);
const silent = { error() {}, warn() {}, info() {}, debug() {} } as unknown as FastifyBaseLogger;

const experimentOf = (changes: Record<string, unknown> = {}): Experiment =>
	Experiment.parse({
		...{ key: "support-tone", hypothesis: "friendlier is better", owner: "team", prompt: "support-reply" },
		status: "running",
		variants: [
			{ key: "control", version: "1.0.0" },
			{ key: "friendly", version: "2.0.0" },
		],
		primaryMetric: { metric: "feedback", minimumDetectableEffect: 0.05 },
		secondaryMetrics: ["latency", "cost"],
		guardrails: [
			{ metric: "error-rate", nonInferiorityMargin: 0.5 },
			{ metric: "latency", nonInferiorityMargin: 0.1, onBreach: "notify" },
		],
		...changes,
	});

const context = (experiment: Experiment) => ({
	...{ experiment, experimentDigest: "sha256:0", codeVersion: "0.1.0", lastRevision: 1 },
});

const haltDecision = (experiment: Experiment, decidedAt: Date) => {
	const inputs = {
		...{ origin: at("12:00:00").toISOString(), checkedAt: decidedAt.toISOString(), windowSeconds: 60 },
	};
	const guardrail = experiment.guardrails[0];
	const check = { guardrail, variant: "friendly", start: 1, breached: true, logEValue: 9, logThreshold: 4 };
	const violations = { treatment: 50, control: 2 };
	return guardrailDecision(
		{ ...check, violations, inputs } as unknown as Parameters<typeof guardrailDecision>[0],
		context(experiment),
	);
};

/** A store that remembers what is written, and answers with no evidence. */
function quietStore() {
	const written: Snapshot[] = [];
	const decisions: ReturnType<typeof startDecision>[] = [];
	let failing: Error | undefined;
	let analyses = 0;
	const store = {
		metricTotals: async () => {
			analyses++;
			if (failing) throw failing;
			return { excludedUnits: 0, immatureUnits: 0, newestCallAt: null, newestEventAt: null, arms: [] };
		},
		sumsSinceStarts: async () => [],
		arrivalTimes: async () => [],
		evidenceHealth: async () => [],
		strayUnits: async () => ({ units: 0, onlyUnknownUnits: 0, variants: [] }),
		segmentTotals: async () => {
			throw new Error("segments are not kept");
		},
		violationWindows: async () => [],
		listDecisions: async () => decisions,
		lastCallStart: async () => null,
		appendSnapshot: async (snapshot: Snapshot) => void written.push(snapshot),
		latestLooks: async ({ until }: { until: Date }): Promise<WrittenLook[]> =>
			written
				.filter(({ lookAt }) => lookAt <= until)
				.toSorted((a, b) => b.lookAt.getTime() - a.lookAt.getTime())
				.slice(0, 2),
	} as unknown as ComparisonLooksOptions["store"];
	return {
		...{ store, written, decisions },
		analyses: () => analyses,
		fail: (error: Error | undefined) => {
			failing = error;
		},
	};
}

function start(changes: Partial<ComparisonLooksOptions> & Pick<ComparisonLooksOptions, "store">) {
	const logged: unknown[] = [];
	const logger = { ...silent, error: (...words: unknown[]) => logged.push(words) } as unknown as FastifyBaseLogger;
	const looks = new ComparisonLooks({
		...{ environment: "production", codeVersion: "0.1.0", logger, elapsedMs: () => 0 },
		experiments: () => [experimentOf()],
		...changes,
	});
	return { looks, logged };
}

describe("when looks are taken", () => {
	test("one a minute while the iteration runs, however often it is asked", async () => {
		const { store, written, analyses } = quietStore();
		const { looks } = start({ store, experiments: () => [experimentOf({ segments: ["plan"] })] });
		for (const clock of ["12:00:07", "12:00:17", "12:00:59", "12:01:00", "12:01:10"]) await looks.look(at(clock));
		expect(written.map(({ lookAt, kind }) => [lookAt, kind])).toEqual([
			[at("12:00:00"), "look"],
			[at("12:01:00"), "look"],
		]);
		expect(analyses()).toBe(2);
		expect(looks.health).toMatchObject({ lastLookAt: at("12:01:00"), consecutiveFailures: 0, failures: 0 });
	});

	test("the first of a day is kept for ever, the first of an hour for a month, the others for a day", async () => {
		const { store, written } = quietStore();
		const { looks } = start({ store });
		const clocks = ["2026-11-20T22:58", "2026-11-20T22:59", "2026-11-20T23:10", "2026-11-21T00:05", "2026-11-21T00:06"];
		for (const clock of clocks) await looks.look(new Date(`${clock}:00Z`));
		expect(written.map(({ keep }) => keep)).toEqual(["ever", "day", "month", "ever", "day"]);
	});

	test("a clock that was set back does not stop them", async () => {
		const { store, written } = quietStore();
		const { looks } = start({ store });
		for (const clock of ["11:58:00", "11:59:00", "12:40:00", "12:00:00", "12:00:30"]) await looks.look(at(clock));
		expect(written.map(({ lookAt, keep }) => [lookAt, keep])).toEqual([
			[at("11:58:00"), "ever"],
			[at("11:59:00"), "day"],
			[at("12:40:00"), "month"],
			[at("12:00:00"), "month"],
		]);
	});

	test("a metric whose SQL gave no value is named as long as it gives none and the iteration runs", async () => {
		const { store } = quietStore();
		let failure: string | null = "the statement met a limit";
		let status = "running";
		const { looks } = start({
			store: {
				...store,
				metricTotals: async () => ({
					...{ excludedUnits: 0, immatureUnits: 0, newestCallAt: null, newestEventAt: null, arms: [] },
					sqlSources: [{ metric: "orders", failure, badRows: 3 }],
				}),
			},
			experiments: () => [experimentOf({ status })],
		});
		await looks.look(at("12:00:00"));
		const named = ["support-tone: orders has no value, since its query gave none: the statement met a limit"];
		expect([looks.warnings, looks.health.failures]).toEqual([named, 0]);
		status = "stopped";
		expect(looks.warnings).toEqual([]);
		[status, failure] = ["running", null];
		await looks.look(at("12:01:00"));
		expect(looks.warnings).toEqual([]);
	});

	test("what another service has looked at is not looked at again", async () => {
		const { store, analyses } = quietStore();
		await start({ store }).looks.look(at("12:00:07"));
		const { looks: other } = start({ store });
		await other.look(at("12:00:09"));
		expect(analyses()).toBe(1);
		await other.look(at("12:01:09"));
		expect(analyses()).toBe(2);
	});

	test("a draft, and an iteration that ended before anybody looked, are left alone", async () => {
		const { store, written, analyses } = quietStore();
		const { looks } = start({
			store,
			experiments: () => [experimentOf({ status: "draft" }), experimentOf({ key: "old", status: "stopped" })],
		});
		await looks.look(at("12:00:00"));
		await looks.look(at("12:01:00"));
		expect([written.length, analyses()]).toEqual([0, 0]);
	});

	test("after a round that took long there is rest, of nine times as long", async () => {
		const { store, written } = quietStore();
		let elapsedMs = 0;
		const slow = {
			...store,
			metricTotals: async (...request: Parameters<Store["metricTotals"]>) => {
				elapsedMs += 20_000;
				return store.metricTotals(...request);
			},
		};
		const { looks } = start({ store: slow, elapsedMs: () => elapsedMs });
		await looks.look(at("12:00:00"));
		elapsedMs = 20_000 + 9 * 20_000 - 1;
		await looks.look(at("12:03:20"));
		expect(written).toHaveLength(1);
		expect(looks.health).toMatchObject({ lastLookAt: at("12:00:00"), roundMs: 20_000 });
		expect(looks.health.lagging).toBe(
			"the last round of looks took 20 s, and 9 times as long is rested: about one look in 200 s, not one a minute; guardrails do not wait for it",
		);
		elapsedMs += 1;
		await looks.look(at("12:03:21"));
		expect(written).toHaveLength(2);
	});

	test("a round that is under way for long is said before it ends; a short one is no lag", async () => {
		const { store } = quietStore();
		let elapsedMs = 0;
		const said: (string | null)[] = [];
		const slow = {
			...store,
			metricTotals: async (...request: Parameters<Store["metricTotals"]>) => {
				elapsedMs += 60_001;
				said.push(looks.health.lagging);
				elapsedMs = 5000;
				return store.metricTotals(...request);
			},
		};
		const { looks } = start({ store: slow, elapsedMs: () => elapsedMs });
		await looks.look(at("12:00:00"));
		expect(said).toEqual([expect.stringMatching(/^a round of looks has been under way for 60 s: /)]);
		expect(looks.health).toMatchObject({ roundMs: 5000, lagging: null });
	});

	test("a failure is logged and counted, tried again a minute later, and spoils no other experiment's look", async () => {
		const { store, written, fail } = quietStore();
		const unknownMetric = experimentOf({
			key: "broken",
			primaryMetric: { metric: "no-such-metric", minimumDetectableEffect: 0.05 },
		});
		const { looks, logged } = start({ store, experiments: () => [unknownMetric, experimentOf()] });
		await looks.look(at("12:00:00"));
		await looks.look(at("12:00:30"));
		expect(written.map(({ experiment }) => experiment)).toEqual(["support-tone"]);
		expect(logged).toHaveLength(1);
		// Between two minutes nothing is mended.
		expect(looks.health.consecutiveFailures).toBe(1);
		fail(new Error("the engine is gone"));
		await looks.look(at("12:01:00"));
		expect(logged).toHaveLength(3);
		expect(looks.health).toMatchObject({ lastLookAt: at("12:00:00"), consecutiveFailures: 2, failures: 3 });
		expect(logged[2]).toEqual([
			{ err: expect.objectContaining({ message: "the engine is gone" }) },
			"could not write what a look at support-tone said",
		]);
	});

	test("a round without a failure ends the row", async () => {
		const { store, fail } = quietStore();
		const { looks } = start({ store });
		fail(new Error("gone"));
		await looks.look(at("12:00:00"));
		await looks.look(at("12:01:00"));
		expect(looks.health).toMatchObject({ lastLookAt: null, consecutiveFailures: 2, failures: 2 });
		fail(undefined);
		await looks.look(at("12:02:00"));
		expect(looks.health).toMatchObject({ lastLookAt: at("12:02:00"), consecutiveFailures: 0, failures: 2 });
	});

	test("once stopped, no further look is begun", async () => {
		const { store, written } = quietStore();
		const { looks } = start({ store });
		looks.stop();
		await looks.look(at("12:00:00"));
		expect(written).toEqual([]);
	});
});

describe("the last look", () => {
	test("at a halt is taken at once, belongs to the halt, and stays", async () => {
		const { store, written, decisions } = quietStore();
		const experiment = experimentOf();
		const { looks } = start({ store });
		decisions.push(startDecision(context(experiment), at("11:00:00")));
		await looks.look(at("12:00:01"));
		decisions.push(haltDecision(experiment, at("12:00:31.250")));
		await looks.look(at("12:00:32"));
		expect(written).toHaveLength(1);
		looks.want(experiment.key);
		await looks.look(at("12:00:33"));
		expect(written[1]).toMatchObject({
			...{ lookAt: at("12:00:31.250"), kind: "final", keep: "ever", status: "halted", verdict: "halted" },
		});
	});

	test("comes again while evidence may be under way, then no more; it stays the same look", async () => {
		const { store, written, decisions } = quietStore();
		let status: Experiment["status"] = "running";
		const { looks } = start({ store, experiments: () => [experimentOf({ status })] });
		await looks.look(at("12:00:01"));
		decisions.push(haltDecision(experimentOf(), at("12:00:31")));
		status = "halted";
		for (const clock of ["12:01:00", "12:05:00", "12:10:00", "12:11:00", "12:30:00"]) await looks.look(at(clock));
		expect(written.map(({ lookAt }) => lookAt)).toEqual([
			at("12:00:00"),
			at("12:00:31"),
			at("12:00:31"),
			at("12:00:31"),
		]);
		// A service that starts later has nothing to add.
		const { looks: later } = start({ store, experiments: () => [experimentOf({ status })] });
		await later.look(at("13:00:00"));
		expect(written).toHaveLength(4);
	});

	test("of an iteration that a person stopped belongs to the minute in which that was seen", async () => {
		const { store, written } = quietStore();
		let status: Experiment["status"] = "running";
		const { looks } = start({ store, experiments: () => [experimentOf({ status })] });
		await looks.look(at("12:00:01"));
		status = "stopped";
		for (const clock of ["12:01:01", "12:02:01", "12:40:00"]) await looks.look(at(clock));
		expect(written.map(({ lookAt, kind, status: stored }) => [lookAt, kind, stored])).toEqual([
			[at("12:00:00"), "look", "running"],
			[at("12:01:00"), "final", "stopped"],
			[at("12:01:00"), "final", "stopped"],
		]);
	});
});

describe("on real evidence", () => {
	const folder = mkdtempSync(join(tmpdir(), "armspan-looks-"));
	let store: Store;
	beforeAll(async () => {
		store = await openStore({ kind: "embedded", path: folder });
		await store.migrate();
		await loadEvidence(store, NOW);
	});
	afterAll(async () => {
		await store.close();
		rmSync(folder, { recursive: true });
	});

	test("two services that look at once write one row for each metric and arm, with the analysis' own numbers and no unit", async () => {
		const options = { store: storeOfEnvironment(store, "production") };
		await Promise.all([start(options).looks.look(NOW), start(options).looks.look(NOW)]);
		const { columns, rows } = await store.userSql(
			"SELECT metric, variant, arm_units, estimate, effect, effect_lower, effect_upper, level, guardrail_status, guardrail_on_breach FROM snapshots FINAL ORDER BY role, metric, variant",
		);
		expect(columns).toHaveLength(10);
		const told = rows.map((row) => row.slice(0, 3).join(" "));
		expect(told).toEqual([
			...["error-rate control 200", "error-rate friendly 200", "latency control 200", "latency friendly 200"],
			...["feedback control 200", "feedback friendly 200", "cost control 200", "cost friendly 200"],
		]);
		const results = await analyzeExperiment({ ...options, experiment: experimentOf(), now: NOW });
		const latency = results.metrics.find(({ metric }) => metric === "latency");
		const effect = latency?.comparisons[0]?.absoluteEffect;
		const estimate = latency?.estimates.friendly;
		if (effect?.kind !== "estimated" || estimate?.kind !== "estimated") throw new Error("there is enough evidence");
		const [, , , ...stored] = rows[3] as unknown[];
		expect(stored).toEqual([
			...[estimate.value, effect.value, effect.lower, effect.upper, 0.95],
			...[results.guardrails.find(({ metric }) => metric === "latency")?.status, "notify"],
		]);

		// No unit can be found in what is stored.
		const { remaining } = await store.forgetUnit({ unitIds: ["user-7"], actor: "test" });
		expect(remaining).toEqual([]);
		const { rows: counted } = await store.userSql("SELECT count() FROM snapshots FINAL");
		expect(counted).toEqual([["8"]]);
	});
});
