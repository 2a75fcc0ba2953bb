import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MetricDefinition } from "@armspan/schema";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore } from "../open-store.ts";
import type { Store } from "../store.ts";
import { StoreError } from "../store-error.ts";
import { type Evidence, logRowsOf, randomEvidence, traceRowsOf } from "./random-evidence.ts";
import { SqlSources } from "./sql-sources.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-sql-sources-"));
const evidence: Evidence = randomEvidence(3);
let store: Store;

beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
	await store.insertTraces(traceRowsOf(evidence));
	await store.insertLogs(logRowsOf(evidence));
});

afterAll(async () => {
	await store.close();
	rmSync(folder, { recursive: true });
});

const day = (days: number) => new Date(evidence.startMs + days * 86_400_000);
const sql = (query: string, changes: Record<string, unknown> = {}) =>
	MetricDefinition.parse({
		...{ key: "mine", source: "sql", query, kind: "mean", value: "numerator", direction: "increase", ...changes },
	});
const built = (changes: Record<string, unknown>) =>
	MetricDefinition.parse({
		...{ key: "theirs", source: "evaluations", kind: "mean", value: "score", direction: "increase", ...changes },
	});
const totalsOf = (metrics: MetricDefinition[], changes: object = {}) =>
	store.metricTotals({
		...{ experiment: evidence.experiment, iteration: 1, unitType: "user", prompt: "reply-3", metrics },
		...{ asOf: day(6), ...changes },
	});

/** A unit that is counted: of one arm, and called. */
const unit =
	evidence.calls.find(
		(one) => one.variant !== "" && one.enrolled && !one.shadow && !one.unit.endsWith("0") && one.iteration === 1,
	)?.unit ?? "";

/** The scores of judges once more, by SQL: what the built-in way makes of them is known to be right. */
const SCORES = `SELECT unit_id, evaluated_at AS time, score_micros / 1e6 AS numerator, 2 AS denominator
FROM evaluations FINAL WHERE kind = 'score' AND experiment = '${evidence.experiment}' AND iteration = 1
AND enrolled AND NOT shadow AND routing_revision <= 2 -- as the request below`;
/** Rows of a unit that changed arms are left out by both; those at another variant by the built-in way alone. */
const sameRows = { untilRevision: 2 };

describe("metrics from SQL of one's own", () => {
	test.each([
		["a mean", {}, {}],
		["a mean per unit", { per: "unit" }, { per: "unit" }],
		["a capped mean per unit", { per: "unit", winsorCap: 0.8 }, { per: "unit", winsorCap: 0.8 }],
		["a capped mean", { winsorCap: 0.6 }, { winsorCap: 0.6 }],
		["a quantile", { kind: "quantile", level: 0.5 }, { kind: "quantile", level: 0.5 }],
		[
			"a share of rows",
			{ kind: "proportion", value: undefined, event: [{ column: "numerator", atLeast: 0.5 }] },
			{ kind: "proportion", value: undefined, event: [{ column: "score", atLeast: 0.5 }] },
		],
		[
			"a share of units",
			{ kind: "proportion", per: "unit", value: undefined },
			{ kind: "proportion", per: "unit", value: undefined },
		],
	])("%s of the rows that another source has gives the same sums, in every way to ask", async (_what, own, other) => {
		for (const request of [
			sameRows,
			{ ...sameRows, asOf: day(2.5), maturationMs: 30 * 3_600_000 },
			{ ...sameRows, asOf: day(2.5), isPlannedLook: true },
			{ ...sameRows, closedAt: day(2.5) },
		]) {
			const metrics = [sql(SCORES, own), built(other)];
			const { arms, sqlSources } = await totalsOf(metrics, request);
			expect(sqlSources).toEqual([{ metric: "mine", failure: null, badRows: 0 }]);
			expect(arms.length).toBeGreaterThan(3);
			for (const arm of arms) expect(arm.metrics.mine).toEqual(arm.metrics.theirs);
			expect(arms.some((arm) => (arm.metrics.mine?.sumY ?? 0n) > 0n)).toBe(true);
		}
	});

	test("by segment, the parts add up to the whole", async () => {
		const metrics = [sql(SCORES), built({})];
		const request = {
			...{ experiment: evidence.experiment, iteration: 1, unitType: "user", prompt: "reply-3", metrics },
			...{ asOf: day(6), ...sameRows, segments: ["plan", "country"] },
		};
		const strata = await store.segmentTotals(request);
		expect(strata.length).toBeGreaterThan(10);
		for (const { arms } of strata) {
			for (const arm of arms) expect(arm.metrics.mine).toEqual(arm.metrics.theirs);
		}
	});

	test("a ratio divides numerators by denominators, over rows with both", async () => {
		const { arms } = await totalsOf([
			sql(SCORES, { kind: "ratio", denominator: "denominator" }),
			sql(SCORES, { key: "mean" }),
		]);
		for (const arm of arms) {
			expect(arm.metrics.mine).toMatchObject({
				...{ sumY: arm.metrics.mean?.sumY, sumN: 2_000_000n * (arm.metrics.mean?.sumN ?? 0n), scale: 1 },
			});
		}
	});

	test("numbers and times that cannot be are counted, and only they are left out", async () => {
		const at = (text: string, number: string) => `('${unit}', '${text}', '${number}')`;
		const now = day(5).toISOString();
		const rows = [
			...[at(now, "1"), at(now, "2.5"), at(now, "true"), at(now, "\\\\N")],
			...[at(now, "nan"), at(now, "inf"), at(now, "-Infinity"), at(now, "many"), at(now, "1e300"), at(now, "")],
			...[at("yesterday", "1"), at("1970-01-01 00:00:00", "1"), at("2999-01-01 00:00:00", "1"), at("", "1")],
			// Before the first exposure, of nobody, and of somebody else: no rows of the experiment.
			...[at(day(-30).toISOString(), "7"), `('', '${now}', '7')`, `('nobody', '${now}', '7')`],
		].join(", ");
		const query = `SELECT unit_id, time, if(n = '\\\\N', NULL, n) AS numerator FROM values('unit_id String, time String, n String', ${rows})`;
		const { arms, sqlSources } = await totalsOf([sql(query)]);
		expect(sqlSources).toEqual([{ metric: "mine", failure: null, badRows: 10 }]);
		const sums = arms.map(({ metrics }) => metrics.mine).filter((one) => (one?.sumN ?? 0n) > 0n);
		expect(sums).toEqual([expect.objectContaining({ units: 1, sumN: 3n, sumY: 4_500_000n })]);
	});

	test.each([
		["toDateTime(time, 'Asia/Tokyo')", 1n],
		["toDateTime64(time, 3)", 1n],
		["toUnixTimestamp(time)", 1n],
		["toFloat64(toUnixTimestamp(time))", 1n],
		["toNullable(time)", 1n],
		["toDate(time) + 1", 1n],
		["nan", 0n],
		["[time]", 0n],
		["CAST(NULL AS Nullable(DateTime))", 0n],
	])("a time may be written as %s", async (time, rows) => {
		const query = `SELECT '${unit}' AS unit_id, ${time} AS time, 1 AS numerator FROM (SELECT toDateTime('2026-06-20 10:00:00', 'UTC') AS time)`;
		const { arms, sqlSources } = await totalsOf([sql(query)]);
		expect(sqlSources?.[0]).toMatchObject({ failure: null, badRows: rows === 0n ? 1 : 0 });
		expect(arms.reduce((sum, { metrics }) => sum + (metrics.mine?.sumN ?? 0n), 0n)).toBe(rows);
	});

	test.each([
		["SELECT unit_id, time, file('/etc/passwd') AS numerator FROM exposures", /function file is not allowed/],
		["SELECT * FROM url('http://127.0.0.1:1/x', CSV)", /table function url is not allowed/],
		["SELECT 1) UNION ALL SELECT * FROM (SELECT 1", /Syntax error/],
		["SELECT * FROM armspan_exposed", /there is no table armspan_exposed/],
		["SELECT * FROM exposed", /there is no table exposed/],
		["SELECT unit_id, exposed_at AS time FROM exposures", /numerator/],
		["INSERT INTO exposures SELECT * FROM exposures", /only SELECT/],
		["SELECT {key:String} AS unit_id, now() AS time, 1 AS numerator", /parameters/],
		["SELECT unit_id, exposed_at AS time, throwIf(1) AS numerator FROM exposures", /failed/],
	])("%s fails alone, and says why", async (query, why) => {
		// The schema would refuse some of them before.
		const mine = { ...sql("SELECT 1"), query };
		const { arms, sqlSources } = await totalsOf([mine, built({}), sql(SCORES, { key: "sound" })], sameRows);
		expect(sqlSources).toEqual([
			{ metric: "mine", failure: expect.stringMatching(why), badRows: 0 },
			{ metric: "sound", failure: null, badRows: 0 },
		]);
		for (const { metrics } of arms) {
			expect(metrics.mine).toMatchObject({ units: 0, sumN: 0n });
			expect(metrics.sound).toEqual(metrics.theirs);
		}
		// The store still takes rows: no setting of the question stuck.
		await store.insertLogs(logRowsOf({ ...evidence, exposures: [], events: evidence.events.slice(0, 1) }));
	});

	test("many at once wait for each other", async () => {
		const asked = await Promise.all(Array.from({ length: 4 }, () => totalsOf([sql(SCORES)])));
		for (const { sqlSources } of asked) expect(sqlSources).toEqual([{ metric: "mine", failure: null, badRows: 0 }]);
	});

	test("what takes too long is asked seldomer and seldomer, by everybody together, and says so", async () => {
		const minute = 60_000;
		let [clockMs, asked, isSlow] = [0, 0, true];
		const sources = new SqlSources(
			{
				within: async () => {
					asked++;
					if (isSlow) throw new StoreError("SQL_LIMIT", "the statement met a limit: Timeout exceeded");
					return [];
				},
			},
			() => clockMs,
		);
		const request = {
			...{ experiment: "any", iteration: 1, unitType: "user", prompt: "reply", metrics: [sql(SCORES)], asOf: day(6) },
		};
		const none = { excludedUnits: 0, immatureUnits: 0, newestCallAt: null, newestEventAt: null, arms: [] };
		const failureNow = async () => (await sources.totals(request, async () => none)).sqlSources?.[0]?.failure;
		expect(await failureNow()).toBe("the statement met a limit: Timeout exceeded");
		for (const [rest, times] of [
			[1, 1],
			[2, 2],
			[4, 3],
			[8, 4],
		] as const) {
			clockMs += rest * minute - 1;
			expect(await failureNow()).toContain(`Timeout exceeded (it is not asked again for ${rest} min)`);
			await sources.segments({ ...request, segments: ["plan"] }, async () => []);
			expect(asked).toBe(times);
			clockMs += 1;
			expect(await failureNow()).toBe("the statement met a limit: Timeout exceeded");
		}
		clockMs += 16 * minute;
		isSlow = false;
		expect(await failureNow()).toBeNull();
		isSlow = true;
		await failureNow();
		expect(await failureNow()).toContain("for 1 min");
	});
});
