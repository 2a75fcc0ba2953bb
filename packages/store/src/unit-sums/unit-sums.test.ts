import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUILT_IN_METRICS, MetricDefinition } from "@armspan/schema";
import { createClient } from "@clickhouse/client";
import { createChdbConnection } from "chdb/connection";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ClientConnection } from "../client-connection.ts";
import type { Connection } from "../connection.ts";
import { bruteForceTotals } from "../metrics/brute-force-totals.ts";
import { type MetricTotalsRequest, metricTotals } from "../metrics/metric-totals.ts";
import {
	type Evidence,
	logRowsOf,
	type RandomCall,
	type RandomRow,
	randomEvidence,
	traceRowsOf,
} from "../metrics/random-evidence.ts";
import { openStore } from "../open-store.ts";
import type { Store } from "../store.ts";
import { openSeal } from "./open-seal.ts";
import { sealUnitSums } from "./seal-unit-sums.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-unit-sums-"));
let store: Store;
let connection: Connection;

beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
	const chdb = createChdbConnection({ path: folder });
	connection = new ClientConnection(createClient({ connection: chdb } as never), chdb);
});

afterAll(async () => {
	await connection.close();
	await store.close();
	rmSync(folder, { recursive: true });
});

const METRICS = [
	...BUILT_IN_METRICS.values(),
	...[
		{ key: "capped", source: "calls", kind: "mean", value: "latency", winsorCap: 1.5, direction: "decrease" },
		{
			...{ key: "capped-bill", source: "calls", kind: "mean", per: "unit", value: "cost", winsorCap: 0.004 },
			direction: "decrease",
		},
		{
			...{ key: "capped-score", source: "evaluations", kind: "mean", per: "unit", value: "score", winsorCap: 0.6 },
			direction: "increase",
		},
		{
			...{ key: "limited", source: "calls", kind: "proportion", direction: "decrease" },
			...{ where: [{ column: "provider", notIn: ["other", "it's \\ 'quoted'"] }] },
			event: [{ column: "error-type", in: ["rate_limit", "a,b'] OR 1=1 --"] }],
		},
		{ key: "tokens-p90", source: "calls", kind: "quantile", level: 0.9, value: "output-tokens", direction: "decrease" },
		{ key: "score-p50", source: "evaluations", kind: "quantile", level: 0.5, value: "score", direction: "increase" },
		{
			...{ key: "faithful", source: "evaluations", kind: "mean", value: "score", direction: "increase" },
			where: [{ column: "name", in: ["faithful"] }],
		},
	].map((definition) => MetricDefinition.parse(definition)),
];

async function deliver(evidence: Evidence): Promise<void> {
	await store.insertTraces(traceRowsOf(evidence));
	await store.insertLogs(logRowsOf(evidence));
}

/** As if all that is there had come an hour ago. */
async function age(): Promise<void> {
	for (const table of ["calls", "exposures", "evaluations"]) {
		await connection.command(
			`ALTER TABLE ${table} UPDATE arrived_at = now() - INTERVAL 1 HOUR WHERE arrived_at > now() - INTERVAL 1 HOUR SETTINGS mutations_sync = 2`,
		);
	}
}

const dayMs = 86_400_000;
const part = (evidence: Evidence, of: (index: number, atMs: number) => boolean): Evidence => ({
	...evidence,
	calls: evidence.calls.filter(({ atMs }, index) => of(index, atMs)),
	exposures: evidence.exposures.filter(({ atMs }, index) => of(index, atMs)),
	events: evidence.events.filter(({ atMs }, index) => of(index, atMs)),
});

/** Every unit in one environment, as most are: units with several are read anew whatever the sums say. */
function inOneEnvironment(evidence: Evidence): Evidence {
	const settled = <Row extends RandomRow>(rows: Row[]) =>
		rows.map((row) => ({
			...row,
			environment: ["", "production", "staging"][Number(row.unit.split("-")[2]) % 3] ?? "",
		}));
	const { calls, exposures, events } = evidence;
	return { ...evidence, calls: settled(calls), exposures: settled(exposures), events: settled(events) };
}

function requestOf(evidence: Evidence): MetricTotalsRequest {
	return {
		...{ experiment: evidence.experiment, iteration: 1, unitType: "user", metrics: METRICS },
		prompt: `reply-${evidence.experiment.slice("random-".length)}`,
		asOf: new Date(evidence.startMs + 6 * dayMs),
	};
}

/** The totals, and whether they were asked of all rows. */
async function look(request: MetricTotalsRequest) {
	let isOfRows = false;
	const totals = await metricTotals((sql, parameters) => {
		isOfRows ||= sql.includes("calls_of_units");
		return connection.query(sql, parameters);
	}, request);
	return { totals, isOfRows };
}

/** All that sums are asked of, or only the first question. @returns of each whether it was asked of all rows */
async function expectBruteForce(evidence: Evidence, questions = 8): Promise<boolean[]> {
	const ofRows: boolean[] = [];
	const request = requestOf(evidence);
	const few = METRICS.filter(({ key }) => ["tokens-p90", "limited", "conversion"].includes(key));
	for (const narrower of [
		{ splitByCache: true },
		{ environment: "production", metrics: few },
		{ environment: "staging", untilRevision: 2, metrics: few },
		{ untilRevision: 1, metrics: few },
		{ closedAt: new Date(evidence.startMs + 2 * dayMs), metrics: few },
		{ closedAt: new Date(evidence.startMs + 3 * dayMs + 1), untilRevision: 2, metrics: few },
		{ metrics: [] },
		{ maturationMs: 30 * 3_600_000, metrics: few },
	].slice(0, questions)) {
		const asked = { ...request, ...narrower };
		const { totals, isOfRows } = await look(asked);
		expect(totals).toEqual(bruteForceTotals(evidence, asked));
		ofRows.push(isOfRows);
	}
	return ofRows;
}

describe("sealUnitSums", { timeout: 120_000 }, () => {
	test.each([
		[32, 1.5, randomEvidence],
		[33, 2.5, (seed: number) => inOneEnvironment(randomEvidence(seed))],
		[34, 9, (seed: number) => inOneEnvironment(randomEvidence(seed))],
	])("totals are the same with late, repeated and later rows beside the sums, seed %i", async (seed, days, drawn) => {
		const evidence = drawn(seed);
		const until = new Date(evidence.startMs + days * dayMs);
		// every seventh row comes after the seal, whenever it happened
		const before = part(evidence, (index, atMs) => atMs < until.getTime() + dayMs / 2 && index % 7 !== 3);
		await deliver(before);
		await age();
		const { experiment } = evidence;
		const sealed = await store.sealUnitSums({ experiment, iteration: 1, metrics: METRICS, until, callsAtOnce: 50 });
		expect(sealed.units).toBe(
			new Set(
				[...before.calls, ...before.exposures]
					.filter((row) => row.experiment === experiment && row.iteration === 1 && row.enrolled && !row.shadow)
					.filter((row) => row.variant !== "" && row.atMs < until.getTime())
					.map(({ unit }) => unit),
			).size,
		);
		await expectBruteForce(before);
		await deliver(part(evidence, (index) => index % 7 === 3 || index % 5 === 0));
		await deliver(part(evidence, (_, atMs) => atMs >= until.getTime()));
		const ofRows = await expectBruteForce(evidence);
		// a seal knows no windows
		const [wide, ofEnvironment, , , , , none, windowed] = ofRows;
		expect([wide, ofEnvironment, none, windowed]).toEqual([false, false, false, true]);
		await age();
		await store.sealUnitSums({ experiment, iteration: 1, metrics: METRICS, until });
		expect(await expectBruteForce(evidence, 2)).toEqual([false, false]);
	});

	test("units that come, move to another day or are excluded since the seal", async () => {
		const evidence = inOneEnvironment(randomEvidence(71));
		const until = new Date(evidence.startMs + 2.5 * dayMs);
		const isCounted = (row: RandomRow) =>
			row.experiment === evidence.experiment &&
			row.iteration === 1 &&
			row.enrolled &&
			!row.shadow &&
			row.variant !== "";
		const sealedCalls = evidence.calls.filter((call) => isCounted(call) && call.atMs < until.getTime());
		const sealed = { ...evidence, exposures: [], events: [], calls: sealedCalls };
		await deliver(sealed);
		await age();
		await store.sealUnitSums({ experiment: evidence.experiment, iteration: 1, metrics: METRICS, until });
		const excludedIn = (arms: typeof sealed) => bruteForceTotals(arms, requestOf(arms)).excludedUnits;
		const sole = [...Map.groupBy(sealedCalls, ({ unit }) => unit).values()].filter(
			(calls) => new Set(calls.map(({ variant }) => variant)).size === 1,
		);
		const [newest] = sole.flat().sort((a, b) => b.atMs - a.atMs);
		const [unmoved, moved] = sole.filter(([call]) => call?.unit !== newest?.unit).map(([call]) => call);
		if (newest === undefined || moved === undefined || unmoved === undefined) throw new Error("too few units");
		const other = newest.variant === "control" ? "treatment" : "control";
		const later: [change: string, calls: RandomCall[], isOfRows: boolean][] = [
			["stays", [{ ...unmoved, id: "71-a1", atMs: until.getTime() + 5, latencyUs: 1 }], false],
			["moves to an earlier day", [{ ...moved, id: "71-a2", atMs: evidence.startMs - 3 * dayMs }], false],
			["is new", [{ ...moved, id: "71-a3", unit: "unit-71-new", atMs: until.getTime() + 7 }], false],
		];
		let all = sealed;
		for (const [change, calls, isOfRows] of later) {
			await deliver({ ...sealed, calls });
			all = { ...all, calls: [...all.calls, ...calls] };
			expect([change, ...(await expectBruteForce(all, 2))]).toEqual([change, isOfRows, isOfRows]);
		}
		const before = excludedIn(all);
		const excluded = { ...newest, id: "71-a4", variant: other, atMs: until.getTime() + 9 };
		await deliver({ ...sealed, calls: [excluded] });
		all = { ...all, calls: [...all.calls, excluded] };
		expect(excludedIn(all)).toBe(before + 1);
		expect(await expectBruteForce(all, 1)).toEqual([false]);
	});

	test("what was newest when it was sealed, and counts no more, is looked for in the rows", async () => {
		const evidence = inOneEnvironment(randomEvidence(81));
		const until = new Date(evidence.startMs + 9 * dayMs);
		const plain = evidence.calls.filter(
			(call) => call.experiment === evidence.experiment && call.iteration === 1 && call.enrolled && !call.shadow,
		);
		const [newest] = plain.sort((a, b) => b.atMs - a.atMs);
		if (newest === undefined) throw new Error("no calls");
		const last = { ...newest, id: "81-a1", unit: "unit-81-last", atMs: newest.atMs + 1000 };
		const sealed = { ...evidence, exposures: [], events: [], calls: [...plain, last] };
		await deliver(sealed);
		await age();
		await store.sealUnitSums({ experiment: evidence.experiment, iteration: 1, metrics: METRICS, until });
		expect(await expectBruteForce(sealed, 1)).toEqual([false]);
		const excluding = {
			...{ ...last, id: "81-a2", atMs: until.getTime() + 1 },
			variant: last.variant === "control" ? "treatment" : "control",
		};
		await deliver({ ...sealed, calls: [excluding] });
		expect(await expectBruteForce({ ...sealed, calls: [...sealed.calls, excluding] }, 1)).toEqual([true]);
	});

	test("a seal of before there were totals is not asked", async () => {
		const evidence = randomEvidence(91);
		await deliver(evidence);
		await age();
		const until = new Date(evidence.startMs + 2 * dayMs);
		const { seal } = await store.sealUnitSums({
			experiment: evidence.experiment,
			iteration: 1,
			metrics: METRICS,
			until,
		});
		expect(await expectBruteForce(evidence, 1)).toEqual([false]);
		await connection.command(
			`ALTER TABLE unit_seals UPDATE totals = [] WHERE seal = '${seal}' SETTINGS mutations_sync = 2`,
		);
		expect(await expectBruteForce(evidence, 1)).toEqual([true]);
	});

	test("a look reads the sums, not the calls", async () => {
		const evidence = randomEvidence(41);
		const { experiment } = evidence;
		await deliver(evidence);
		await age();
		const until = new Date(evidence.startMs + 9 * dayMs);
		await store.sealUnitSums({ experiment, iteration: 1, metrics: METRICS, until });
		for (const table of ["calls", "evaluations", "exposures"]) {
			await connection.command(
				`ALTER TABLE ${table} DELETE WHERE experiment = '${experiment}' SETTINGS mutations_sync = 2`,
			);
		}
		const request = requestOf(evidence);
		// of units that name several environments, or none of a revision in question, the rows are asked; here they are gone
		const environmentsOf = Map.groupBy(
			[...evidence.calls, ...evidence.exposures, ...evidence.events].filter(
				(row) =>
					row.experiment === experiment && row.iteration === 1 && row.enrolled && !row.shadow && row.variant !== "",
			),
			({ unit }) => unit,
		);
		const certain = [...environmentsOf].filter(([, rows]) => new Set(rows.map((row) => row.environment)).size === 1);
		const units = new Set(certain.map(([unit]) => unit));
		const kept = <Row extends { unit: string }>(rows: Row[]) => rows.filter(({ unit }) => units.has(unit));
		const left = {
			...evidence,
			calls: kept(evidence.calls),
			exposures: kept(evidence.exposures),
			events: kept(evidence.events),
		};
		const { arms } = bruteForceTotals(left, request);
		expect(arms.length).toBeGreaterThan(0);
		const found = (await store.metricTotals(request)).arms;
		for (const arm of arms) {
			const same = found.find(({ variant, day }) => variant === arm.variant && day === arm.day);
			expect(same?.units).toBeGreaterThanOrEqual(arm.units);
		}
		// a metric that was not sealed, and a window, are asked of the rows
		const other = { ...request.metrics[0], key: "other", where: [{ column: "model", in: ["claude"] }] };
		expect((await store.metricTotals({ ...request, metrics: [MetricDefinition.parse(other)] })).arms).toEqual([]);
		expect((await store.metricTotals({ ...request, maturationMs: 1 })).arms).toEqual([]);
	});

	test("a seal that was cut off anywhere is not seen, and two at once do no harm", async () => {
		const evidence = randomEvidence(51);
		const request = { experiment: evidence.experiment, iteration: 1, metrics: METRICS };
		await deliver(part(evidence, (index) => index % 3 !== 0));
		await age();
		const until = new Date(evidence.startMs + 2 * dayMs);
		// before the units, before their totals, before the seal
		for (let statements = 0; statements < 3; statements += 1) {
			let left = statements;
			const alive = () => {
				if (left === 0) throw new Error("killed");
				left -= 1;
			};
			const failing: Connection = {
				isEmbedded: connection.isEmbedded,
				query: (sql, parameters) => connection.query(sql, parameters),
				command: async (sql, parameters) => {
					alive();
					await connection.command(sql, parameters);
				},
				insert: async (insertion) => {
					alive();
					await connection.insert(insertion);
				},
				close: async () => undefined,
			};
			await expect(sealUnitSums(failing, { ...request, until })).rejects.toThrow("killed");
			await expectBruteForce(
				part(evidence, (index) => index % 3 !== 0),
				1,
			);
		}
		const later = new Date(until.getTime() + dayMs);
		await Promise.all([
			sealUnitSums(connection, { ...request, until }),
			store.sealUnitSums({ ...request, until: later }),
			deliver(part(evidence, (index) => index % 3 === 0)),
		]);
		await expectBruteForce(evidence, 3);
	});

	test("a unit that is erased is in no sums, and none are made of it for an hour", async () => {
		const evidence = randomEvidence(61);
		const request = { experiment: evidence.experiment, iteration: 1, metrics: METRICS };
		await deliver(evidence);
		await age();
		const until = new Date(evidence.startMs + 9 * dayMs);
		await store.sealUnitSums({ ...request, until });
		const { remaining } = await store.forgetUnit({ unitIds: ["unit-61-5"], actor: "test" });
		expect(remaining).toEqual([]);
		const kept = <Row extends { unit: string }>(rows: Row[]) => rows.filter(({ unit }) => unit !== "unit-61-5");
		const without = {
			...evidence,
			...{ calls: kept(evidence.calls), exposures: kept(evidence.exposures), events: kept(evidence.events) },
		};
		await expectBruteForce(without, 2);
		expect((await store.sealUnitSums({ ...request, until })).seal).toBe(null);
		await expectBruteForce(without, 1);
	});
});

describe("openSeal", () => {
	test("gives up when most units would have to be read anyway, or sums are missing", async () => {
		const seal = { seal: "x", units: "7", untilUs: "0", arrivedUntil: 0, positions: new Map() };
		const key = { experiment: "e", iteration: 1 };
		const finding =
			(stale: string[], units = "7") =>
			async () =>
				[{ stale, units, is_open: false }] as never;
		expect(await openSeal(finding(["a"]), key, seal)).toMatchObject({ stale: ["a"], isOpen: true });
		expect(await openSeal(finding([]), key, seal)).toMatchObject({ isOpen: false });
		expect(await openSeal(finding([], "6"), key, seal)).toBe(null);
		expect(await openSeal(finding(Array(2001).fill("a")), key, seal)).toBe(null);
		expect(await openSeal(finding(Array(300).fill("a".repeat(1000))), key, seal)).toBe(null);
	});
});
