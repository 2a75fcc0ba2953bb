import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type Store } from "@armspan/store";
import { createClient } from "@clickhouse/client";
import { createChdbConnection } from "chdb/connection";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dashboards, panels, queryContext } from "./committed-dashboards.ts";
import { expand, type QueryContext } from "./grafana-macros.ts";
import { armOf, loadCalls, loadStore, look } from "./loaded-store.ts";

const NOW = new Date();
const context = (changes: Partial<QueryContext> = {}) => ({ ...queryContext(NOW), ...changes });
const folder = mkdtempSync(join(tmpdir(), "armspan-dashboards-"));
let store: Store;
let client: ReturnType<typeof createClient>;
beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
	await loadStore(store, NOW);
	const connection = createChdbConnection({ path: folder });
	client = createClient({ connection } as unknown as Parameters<typeof createClient>[0]);
});
afterAll(async () => {
	await client.close();
	await store.close();
	rmSync(folder, { recursive: true });
});

interface Answer {
	readonly columns: readonly { readonly name: string; readonly type: string }[];
	readonly rows: readonly Readonly<Record<string, unknown>>[];
}

async function ask(sql: string, changes: Partial<QueryContext> = {}): Promise<Answer> {
	const answer = await client.query({ query: expand(sql, context(changes)), format: "JSON" });
	const { meta = [], data } = await answer.json<Record<string, unknown>>();
	return { columns: meta, rows: data };
}

const bare = (type: string) => type.replace(/^LowCardinality\((.*)\)$/, "$1").replace(/^Nullable\((.*)\)$/, "$1");
const isNumber = (type: string) => /^(U?Int\d+|Float\d+|Bool)$/.test(bare(type));
const isText = (type: string) => /^String$/.test(bare(type));

describe("panels", () => {
	test("there are some, each with one statement for the chosen data source", () => {
		expect(panels.length).toBeGreaterThan(40);
		for (const { name, panel, target } of panels) {
			expect([name, panel.targets?.length, target.editorType]).toEqual([name, 1, "sql"]);
			expect(target.datasource).toEqual({ type: "grafana-clickhouse-datasource", uid: "${datasource}" });
			expect(panel.description).toMatch(/\.$/);
			expect([0, 1][["timeseries", "table"].indexOf(target.queryType)]).toBe(target.format);
		}
	});

	test.each(panels)("$name", async ({ panel, target }) => {
		const { columns, rows } = await ask(target.rawSql);
		expect(rows.length).toBeGreaterThan(0);
		const names = columns.map(({ name }) => name);
		expect(new Set(names).size).toBe(names.length);

		if (panel.type === "timeseries" || panel.type === "state-timeline") {
			expect(target.queryType).toBe("timeseries");
			// Long to wide: a time that is never NULL, ascending; texts name series; at least one number.
			expect(columns[0]).toMatchObject({ name: "time", type: expect.stringMatching(/^DateTime/) });
			const values = columns.slice(1).filter(({ type }) => !isText(type));
			expect(values.filter(({ type }) => !isNumber(type))).toEqual([]);
			expect(values.length).toBeGreaterThan(0);
			const times = rows.map((row) => String(row.time));
			expect(times).toEqual(times.toSorted());
			const series = rows.map((row) =>
				JSON.stringify([row.time, ...columns.filter(({ type }) => isText(type)).map(({ name }) => row[name])]),
			);
			expect(new Set(series).size).toBe(series.length);
			expect(rows.some((row) => values.some(({ name }) => row[name] !== null))).toBe(true);
		} else {
			expect(target.queryType).toBe("table");
		}
		if (panel.type === "stat") {
			expect([rows.length, columns.length]).toEqual([1, 1]);
			expect(Object.values(rows[0] ?? {})[0]).not.toBeNull();
		}
		// What the panel says about a column is about one that is there.
		for (const { matcher, properties } of panel.fieldConfig?.overrides ?? []) {
			expect(matcher.id).toBe("byName");
			expect(names).toContain(matcher.options);
			for (const { id, value } of properties) if (id === "custom.fillBelowTo") expect(names).toContain(value);
		}
		const states = panel.fieldConfig?.defaults.mappings?.flatMap(({ options }) => Object.keys(options)) ?? [];
		if (states.length > 0) {
			const last = columns.at(-1)?.name ?? "";
			for (const row of rows) expect(states).toContain(String(row[last]));
		}
	});

	test("an experiment that does not exist is no error", async () => {
		const variables = { ...context().variables, experiment: "none", prompt: "none", environment: "none" };
		for (const { name, target } of panels) {
			const failed = await ask(target.rawSql, { variables }).then(
				() => undefined,
				(error) => `${name}: ${error}`,
			);
			expect(failed).toBeUndefined();
		}
	});

	test("a name with a quote stays a name", async () => {
		const variables = { ...context().variables, experiment: "x') OR 1 = 1 --" };
		const units = panels.find(({ name }) => name.includes("What the newest look says"));
		expect((await ask(units?.target.rawSql ?? "", { variables })).rows).toEqual([]);
	});
});

describe("what panels show is what was stored", () => {
	const answerOf = async (title: string) =>
		(await ask(panels.find(({ panel }) => panel.title === title)?.target.rawSql ?? "")).rows;

	test("the interval of an effect is the analysis' own", async () => {
		const stored = await client.query({
			query:
				"SELECT relative_lower AS lower, relative_effect AS effect, relative_upper AS upper FROM snapshots FINAL WHERE experiment = 'support-tone' AND metric = 'latency' AND variant = 'friendly' ORDER BY look_at DESC LIMIT 1",
			format: "JSONEachRow",
		});
		const [expected] = await stored.json<Record<string, unknown>>();
		const target = panels.find(({ panel }) => panel.title.startsWith("Effect of"))?.target;
		const { rows } = await ask(target?.rawSql ?? "", { variables: { ...context().variables, metric: ["latency"] } });
		expect(rows.at(-1)).toMatchObject(expected ?? {});
		expect(Object.values(expected ?? {}).every((value) => typeof value === "number")).toBe(true);
	});

	test("a treatment that fails where control never does has an effect, though none relative to nothing", async () => {
		const failing = { effect: 0.08, effectLower: 0.04, effectUpper: 0.12, relativeEffect: null };
		const arms = [armOf({ metric: "error-rate", ...failing, notEstimable: "control-mean-zero" })];
		const lookAt = new Date(NOW.getTime() - 120_000);
		await store.appendSnapshot(look("worst", { lookAt, environment: "staging", arms }));
		const variables = { ...context().variables, experiment: "worst", environment: "staging", metric: ["error-rate"] };
		const drawn = panels.filter(({ panel }) => panel.title.startsWith("Effect of"));
		const answers = await Promise.all(drawn.map(({ target }) => ask(target.rawSql, { variables })));
		expect(answers.map(({ rows }) => rows.at(-1))).toEqual([
			expect.objectContaining({ lower: null, effect: null, upper: null }),
			expect.objectContaining({ lower: 0.04, effect: 0.08, upper: 0.12 }),
		]);
	});

	test("a halt, a deployment and the way back", async () => {
		expect(await answerOf("Halts")).toEqual([{ halts: expect.anything() }]);
		expect(Number((await answerOf("Halts"))[0]?.halts)).toBe(1);
		expect((await answerOf("Experiments")).map(({ experiment, status }) => [experiment, status]).sort()).toEqual([
			["support-length", "halted"],
			["support-tone", "running"],
		]);
		const deployments = dashboards
			.find(({ uid }) => uid === "armspan-prompt-versions")
			?.annotations.list.find(({ name }) => name === "Deployments");
		const { rows } = await ask(deployments?.target.rawSql ?? "");
		expect(rows.map(({ text }) => text)).toEqual([
			"deployed 1.1.0 in place of 1.0.0",
			"deployed 1.0.0 in place of 1.1.0",
		]);
	});

	test("a span that names its prompt in another's words is not one without", async () => {
		const untagged = async () => {
			const rows = await answerOf("LLM spans without a prompt");
			return rows.map((row) => Number(row.untagged));
		};
		const before = await untagged();
		const spans = ["langfuse.observation.prompt.name", "traceloop.prompt.key"].flatMap((name, index) =>
			Array.from({ length: 50 }, (_, number) => ({
				...{ number: 3000 + index * 100 + number, at: new Date(NOW.getTime() - 300_000) },
				attributes: { "gen_ai.prompt.name": "", "gen_ai.operation.name": "", "llm.request.type": "chat", [name]: "x" },
			})),
		);
		await loadCalls(store, spans);
		const after = await untagged();
		// The one that names none is there before and after, among more of those that do.
		expect(Math.max(...before)).toBeGreaterThan(0);
		expect(Math.max(...after)).toBeGreaterThan(0);
		expect(Math.max(...after)).toBeLessThan(Math.max(...before));
	});

	test("units and cost are those of the evidence", async () => {
		expect(Number((await answerOf("Units"))[0]?.units)).toBe(400);
		const arms = await answerOf("Arms of experiments");
		expect(arms.map(({ variant, units, calls }) => [variant, Number(units), Number(calls)])).toEqual([
			["control", 200, 800],
			["friendly", 200, 800],
		]);
	});
});

describe("variables", () => {
	const variables = dashboards.flatMap(({ uid, templating }) =>
		templating.list
			.filter(({ type }) => type === "query")
			.map(({ name, query }) => ({ name: `${uid} / ${name}`, query, variable: name })),
	);

	test.each(variables)("$name offers what there is, as one column of text", async ({ query, variable }) => {
		const { columns, rows } = await ask(query);
		expect(columns.map(({ type }) => isText(type))).toEqual([true]);
		const offered = rows.map((row) => Object.values(row)[0]);
		const expected = context().variables[variable] ?? [];
		expect(offered).toEqual(expect.arrayContaining([expected].flat()));
		// Names that somebody sent are no text for statements.
		expect(offered.filter((value) => !/^[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(String(value)))).toEqual([]);
	});

	test("the newest experiment and iteration come first, and metrics in the order of their roles", async () => {
		const first = async (name: string) => {
			const { query } = variables.find((one) => one.variable === name) ?? { query: "" };
			return (await ask(query)).rows.map((row) => Object.values(row)[0]);
		};
		expect((await first("metric")).at(0)).toBe("feedback");
		expect((await first("metric")).at(-1)).toBe("cost");
		expect(await first("experiment")).toEqual(["support-tone", "support-length"]);
	});
});

describe("annotations", () => {
	const annotations = dashboards.flatMap(({ uid, annotations }) =>
		(annotations.list ?? []).map(({ name, target }) => ({ name: `${uid} / ${name}`, target })),
	);

	test.each(annotations)("$name has a time, a text and tags", async ({ target }) => {
		const { columns, rows } = await ask(target.rawSql);
		expect(columns.map(({ name }) => name)).toEqual(["time", "text", "tags"]);
		expect(columns[0]?.type).toMatch(/^DateTime/);
		expect(rows.length).toBeGreaterThan(0);
	});

	test("dashboards of experiments, prompts and guardrails have them", () => {
		expect(annotations.map(({ name }) => name).sort()).toEqual([
			"armspan-experiment / Decisions",
			"armspan-guardrails / Decisions",
			"armspan-prompt-versions / Decisions",
			"armspan-prompt-versions / Deployments",
		]);
	});
});

describe("links and names", () => {
	test("every variable that a dashboard mentions is its own or Grafana's", () => {
		for (const { uid, templating, panels: own, annotations } of dashboards) {
			const known = new Set(templating.list.map(({ name }) => name));
			const mentioned = [...JSON.stringify({ own, annotations, templating }).matchAll(/\$\{?(?!__)(\w+)/g)].map(
				([, name]) => name ?? "",
			);
			expect(mentioned.length).toBeGreaterThan(0);
			expect([uid, mentioned.filter((name) => !known.has(name))]).toEqual([uid, []]);
			for (const { repeat } of own) if (repeat !== undefined) expect(known).toContain(repeat);
		}
	});

	test("links lead to dashboards and variables that exist", () => {
		const variablesOf = new Map(
			dashboards.map(({ uid, templating }) => [uid, templating.list.map(({ name }) => name)]),
		);
		const urls = [...JSON.stringify(dashboards).matchAll(/"\/d\/([\w-]+)\?([^"]+)"/g)];
		expect(urls.length).toBeGreaterThan(0);
		for (const [, uid = "", query = ""] of urls) {
			const names = [...query.matchAll(/(?:^|&)var-(\w+)=/g)].map(([, name]) => name);
			expect(names.length).toBeGreaterThan(0);
			expect(variablesOf.get(uid)).toEqual(expect.arrayContaining(names));
		}
		for (const { uid, links, tags } of dashboards) {
			expect([uid, links.map(({ type, tags: linked }) => [type, linked])]).toEqual([
				uid,
				[["dashboards", ["armspan"]]],
			]);
			expect(tags).toContain("armspan");
		}
	});

	test("columns that links take values from are there", async () => {
		for (const { panel, target } of panels) {
			const fields = [...JSON.stringify(panel).matchAll(/__data\.fields\.(\w+)/g)].map(([, name]) => name);
			if (fields.length === 0) continue;
			const { columns } = await ask(target.rawSql);
			expect(columns.map(({ name }) => name)).toEqual(expect.arrayContaining(fields));
		}
	});
});
