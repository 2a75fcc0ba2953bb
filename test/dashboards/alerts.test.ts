import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type Store, storeOfEnvironment } from "@armspan/store";
import { createClient } from "@clickhouse/client";
import { createChdbConnection } from "chdb/connection";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { armOf, experimentOf, haltDecision, loadCalls, look } from "./loaded-store.ts";

interface Rule {
	readonly title: string;
	readonly condition: string;
	readonly data: readonly [
		{ readonly model: { readonly rawSql: string; readonly format: number } },
		{
			readonly refId: string;
			readonly model: { readonly conditions: [{ evaluator: { type: string; params: [number] } }] };
		},
	];
	readonly annotations: { readonly description: string };
}

const file = new URL("../../dashboards/provisioning/alerting/armspan.yaml", import.meta.url);
const rules: readonly Rule[] = parse(readFileSync(file, "utf8")).groups[0].rules;

const folder = mkdtempSync(join(tmpdir(), "armspan-alerts-"));
let store: Store;
let client: ReturnType<typeof createClient>;
beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
	const connection = createChdbConnection({ path: folder });
	client = createClient({ connection } as unknown as Parameters<typeof createClient>[0]);
});
afterAll(async () => {
	await client.close();
	await store.close();
	rmSync(folder, { recursive: true });
});

const truncate = async (...tables: string[]) => {
	for (const table of tables) await client.command({ query: `TRUNCATE TABLE ${table}` });
};
beforeEach(() => truncate("otel_traces", "calls", "decisions", "snapshots"));

const MINUTE_MS = 60_000;
const ago = (minutes: number) => new Date(Date.now() - minutes * MINUTE_MS);

interface Instance {
	readonly labels: Readonly<Record<string, string>>;
	readonly value: number;
	readonly fires: boolean;
}

/** Each row of a table is an instance: text columns are its labels, the one number is compared. */
async function evaluate({ title, condition, data: [query, threshold] }: Rule, laterHours = 0): Promise<Instance[]> {
	expect([title, condition, query.model.format]).toEqual([title, threshold.refId, 1]);
	const sql = query.model.rawSql.replaceAll("now()", `(now() + INTERVAL ${Math.round(laterHours * 60)} MINUTE)`);
	const answer = await client.query({ query: sql, format: "JSON" });
	const { meta = [], data } = await answer.json<Record<string, unknown>>();
	const numbers = meta.filter(({ type }) => /^Nullable\(Float64\)$|^Float64$/.test(type)).map(({ name }) => name);
	const texts = meta.filter(({ type }) => type === "String").map(({ name }) => name);
	expect([title, numbers.length, texts.length]).toEqual([title, 1, meta.length - 1]);
	const [{ evaluator }] = threshold.model.conditions;
	expect(evaluator.type).toBe("gt");
	const instances = data.map((row) => {
		const value = Number(row[numbers[0] ?? ""]);
		return {
			labels: Object.fromEntries(texts.map((name) => [name, String(row[name])])),
			value,
			fires: value > evaluator.params[0],
		};
	});
	const identities = instances.map(({ labels }) => JSON.stringify(labels));
	expect([title, new Set(identities).size]).toEqual([title, identities.length]);
	return instances;
}

/** What would fire so many hours from now if nothing happened until then. */
async function firing(laterHours = 0): Promise<string[]> {
	const found: string[] = [];
	for (const rule of rules) {
		for (const { labels, fires } of await evaluate(rule, laterHours)) {
			if (fires) found.push([rule.title, ...Object.values(labels)].join(" "));
		}
	}
	return found;
}

/** As if each call had come when it ended, and not now, in one piece. */
const arriveInTime = () =>
	client.command({
		query:
			"ALTER TABLE calls UPDATE arrived_at = ifNull(toDateTime(started_at), arrived_at) WHERE 1 SETTINGS mutations_sync = 2",
	});

test("nothing to say of an empty store", async () => {
	expect(await firing()).toEqual([]);
});

/** Three experiments and an hour of calls, with which nothing is wrong. */
async function loadWell(): Promise<void> {
	await store.appendSnapshot(look("well"));
	await store.appendSnapshot(look("stopped", { kind: "final", status: "stopped", lookAt: ago(600) }));
	await store.appendSnapshot(look("new", { newestCallAt: null, lookAt: ago(2) }));
	await loadCalls(
		store,
		Array.from({ length: 240 }, (_, number) => ({ number, at: new Date(Date.now() - (240 - number) * 15_000) })),
	);
	await arriveInTime();
}

test("nothing fires while all is well", async () => {
	await loadWell();
	expect(await firing()).toEqual([]);
	// They look at something: at most those that are about decisions have no row.
	const quiet: string[] = [];
	for (const rule of rules) if ((await evaluate(rule)).length === 0) quiet.push(rule.title);
	expect(quiet).toEqual(["guardrail-halt", "guardrail-breached", "guardrail-unmeasured"]);
});

test("each fires when what it is about happens, and names what it is about", async () => {
	await loadWell();
	const production = storeOfEnvironment(store, "production");
	await production.appendDecision(haltDecision(experimentOf({ key: "halted" }), ago(20)));
	const notify = experimentOf({
		key: "told",
		guardrails: [{ metric: "error-rate", nonInferiorityMargin: 0.5, onBreach: "notify" }],
	});
	await production.appendDecision(haltDecision(notify, ago(20)));
	const notified = { metric: "latency", guardrailStatus: "breached", guardrailOnBreach: "notify" };
	await store.appendSnapshot(look("breached", { arms: [armOf(notified)] }));
	await store.appendSnapshot(look("blind", { arms: [armOf({ guardrailStatus: "unmeasured" })] }));
	await store.appendSnapshot(look("skewed", { sampleRatioMismatch: true, sampleRatioPValue: 1e-9 }));
	await store.appendSnapshot(look("mixed", { excludedUnits: 5 }));
	await store.appendSnapshot(look("silent", { newestCallAt: ago(90), lookAt: ago(80) }));
	await store.appendSnapshot(look("silent", { newestCallAt: ago(40) }));
	await store.appendSnapshot(look("never-called", { newestCallAt: null, lookAt: ago(45) }));
	await store.appendSnapshot(look("never-called", { newestCallAt: null }));
	await store.appendSnapshot(look("forgotten", { lookAt: ago(6) }));
	// An earlier iteration, or an older look, is nobody's concern any more.
	await store.appendSnapshot(look("well", { lookAt: ago(9), sampleRatioMismatch: true }));
	await loadCalls(
		store,
		Array.from({ length: 4 }, (_, number) => ({
			...{ number: 5000 + number, at: ago(2) },
			attributes: { "gen_ai.usage.input_tokens": "-1" },
		})),
	);
	await arriveInTime();
	expect((await firing()).toSorted()).toEqual([
		"evidence-quarantined production",
		"guardrail-breached breached production latency friendly",
		"guardrail-breached told production error-rate friendly",
		"guardrail-halt halted production error-rate friendly",
		"guardrail-unmeasured blind production latency friendly",
		"looks-missing forgotten production",
		"no-calls never-called production",
		"no-calls silent production",
		"sample-ratio-mismatch skewed production",
		"units-in-two-arms mixed production",
	]);
	for (const rule of rules) {
		const named = [...rule.annotations.description.matchAll(/\{\{ \.Labels\.(\w+) \}\}/g)].map(([, name]) => name);
		const [instance] = await evaluate(rule);
		expect([rule.title, Object.keys(instance?.labels ?? {})]).toEqual([rule.title, expect.arrayContaining(named)]);
	}
});

describe("a fault that lasts is not called mended", () => {
	const LATER_HOURS = [0.6, 7, 25, 8 * 24];
	/** As the table's TTL does within a day: only first looks of a day are left. */
	const thin = () =>
		client.command({ query: "ALTER TABLE snapshots DELETE WHERE keep != 'ever' SETTINGS mutations_sync = 2" });

	test("nothing comes any more, and nobody looks", async () => {
		await loadWell();
		const notified = { metric: "latency", guardrailStatus: "breached", guardrailOnBreach: "notify" };
		await store.appendSnapshot(look("breached", { arms: [armOf(notified)] }));
		await store.appendSnapshot(look("blind", { arms: [armOf({ metric: "cost", guardrailStatus: "unmeasured" })] }));
		await store.appendSnapshot(look("skewed", { sampleRatioMismatch: true }));
		for (const hours of LATER_HOURS) {
			const found = await firing(hours);
			const expected = ["blind", "breached", "new", "skewed", "well"].map((key) => `looks-missing ${key} production`);
			expect([hours, found]).toEqual([
				hours,
				expect.arrayContaining([
					...expected,
					"guardrail-breached breached production latency friendly",
					"guardrail-unmeasured blind production cost friendly",
					"ingest-lag all services",
					"no-calls well production",
					"sample-ratio-mismatch skewed production",
				]),
			]);
			expect([hours, found.filter((name) => name.includes("stopped"))]).toEqual([hours, []]);
		}
	});

	test("an hour after the last look no guardrail counts as measured", async () => {
		await store.appendSnapshot(look("well"));
		expect(await firing(1.1)).toContain("guardrail-unmeasured well production latency friendly");
	});

	test("what a guardrail notified of lasts as long as its iteration", async () => {
		const told = experimentOf({
			key: "told",
			guardrails: [{ metric: "error-rate", nonInferiorityMargin: 0.5, onBreach: "notify" }],
		});
		await storeOfEnvironment(store, "production").appendDecision(haltDecision(told, ago(20)));
		await store.appendSnapshot(look("told"));
		const said = "guardrail-breached told production error-rate friendly";
		for (const hours of LATER_HOURS)
			expect([hours, await firing(hours)]).toEqual([hours, expect.arrayContaining([said])]);
		await store.appendSnapshot(look("told", { iteration: 2, lookAt: ago(0.5) }));
		expect(await firing(25)).not.toContain(said);
	});

	test("old looks are thinned, and the service is still missed; a stop, or a look, is the end of it", async () => {
		for (const minutes of [10, 9, 8, 7, 6]) {
			await store.appendSnapshot(look("well", { lookAt: ago(minutes), keep: minutes === 10 ? "ever" : "day" }));
		}
		expect(await firing()).toEqual(["looks-missing well production"]);
		await thin();
		expect(await firing(25)).toContain("looks-missing well production");
		await store.appendSnapshot(look("well", { lookAt: ago(0.5), newestCallAt: ago(0.5) }));
		expect(await firing()).toEqual([]);
		expect(await firing(25)).toContain("looks-missing well production");
		await store.appendSnapshot(look("well", { kind: "final", status: "stopped", lookAt: ago(0) }));
		expect(await firing(25)).toEqual([]);
	});

	test("a stop in the minute of the last look counts", async () => {
		const minute = ago(2);
		await store.appendSnapshot(look("well", { lookAt: minute, computedAt: ago(1) }));
		await store.appendSnapshot(look("well", { lookAt: minute, computedAt: ago(0), kind: "final", status: "stopped" }));
		expect(await firing(8 * 24)).toEqual([]);
	});

	test("an experiment that is gone for good is ended as the runbook says", async () => {
		await store.appendSnapshot(look("gone"));
		expect(await firing(25)).toContain("looks-missing gone production");
		const runbook = readFileSync(new URL("../../docs/operations/runbook.md", import.meta.url), "utf8");
		const [statement = ""] = /ALTER TABLE snapshots UPDATE [^`]+/.exec(runbook) ?? [];
		expect(statement).toContain("'support-tone'");
		await client.command({ query: statement.replace("support-tone", "gone") });
		await expect.poll(() => firing(25)).toEqual([]);
	});

	test("who looks every ten minutes is missed after half an hour, who looks every minute after four", async () => {
		for (const minutes of [65, 55, 45, 35]) await store.appendSnapshot(look("slow", { lookAt: ago(minutes) }));
		expect(await firing()).toEqual(["looks-missing slow production"]);
		await store.appendSnapshot(look("slow", { lookAt: ago(25) }));
		expect(await firing()).toEqual([]);
		for (const minutes of [8, 7, 6, 5]) await store.appendSnapshot(look("brisk", { lookAt: ago(minutes) }));
		expect(await firing()).toEqual(["looks-missing brisk production"]);
	});

	test("calls that go on are seen without the service", async () => {
		await store.appendSnapshot(look("well", { newestCallAt: ago(90), lookAt: ago(80) }));
		expect(await firing()).toContain("no-calls well production");
		await loadCalls(store, [
			{
				...{ number: 1, at: ago(3) },
				attributes: { "armspan.enrolled": "true", "armspan.experiment": "well", "armspan.iteration": "1" },
			},
		]);
		expect(await firing()).not.toContain("no-calls well production");
	});

	test("spans that come again end the lag", async () => {
		await loadWell();
		expect(await firing(8 * 24)).toContain("ingest-lag all services");
		await loadCalls(store, [{ number: 7000, at: new Date(Date.now() + (8 * 24 * 60 - 1) * MINUTE_MS) }]);
		expect(await firing(8 * 24)).not.toContain("ingest-lag all services");
	});
});

describe("ingest-lag", () => {
	const lag = rules.find(({ title }) => title === "ingest-lag") as Rule;
	const load = async (calls: number, minutesAgo: (number: number) => number) => {
		await truncate("otel_traces", "calls");
		await loadCalls(
			store,
			Array.from({ length: calls }, (_, number) => ({ number: 9000 + number, at: ago(minutesAgo(number)) })),
		);
	};
	const fires = async () => (await evaluate(lag)).map((instance) => instance.fires);

	test("spans that stop after a steady hour are a lag; a trickle that stops is none", async () => {
		await load(60, (number) => 5 + number);
		await arriveInTime();
		expect((await firing()).toSorted()).toEqual(["ingest-lag all services", "ingest-lag bot"]);
		await load(12, (number) => 5 + 5 * number);
		await arriveInTime();
		expect(await fires()).toEqual([]);
	});

	test("one service that falls silent shows beside another that goes on, for three hours", async () => {
		await load(60, (number) => 5 + number);
		const other = Array.from({ length: 60 }, (_, number) => ({ number: 9500 + number, at: ago(number) }));
		await loadCalls(store, other, "assistant");
		await arriveInTime();
		expect(await firing()).toEqual(["ingest-lag bot"]);
		expect(await firing(3)).not.toContain("ingest-lag bot");
	});

	test("calls that come long after they ended are a lag, however fresh the newest; a few late ones are none", async () => {
		await load(40, (number) => (number === 0 ? 0 : 10 + number / 10));
		expect(await fires()).toEqual([true]);
		await load(40, (number) => (number < 30 ? number / 60 : 30));
		expect(await fires()).toEqual([false]);
		await load(5, () => 30);
		expect(await fires()).toEqual([]);
	});
});
