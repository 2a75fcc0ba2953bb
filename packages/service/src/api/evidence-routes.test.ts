import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initRepository, openRegistry } from "@armspan/registry";
import { ExperimentResults, MetricList, PowerPlan, SqlAnswer, VersionComparison } from "@armspan/schema";
import { openStore, type Store } from "@armspan/store";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import fastify, { type FastifyInstance } from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EvidenceReader } from "../evidence/evidence-reader.ts";
import { loadEvidence } from "../test-support/loaded-evidence.ts";
import { createApi } from "./api.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-evidence-api-"));
let store: Store;
let app: FastifyInstance;

beforeAll(async () => {
	await initRepository(join(folder, "prompts"), { author: { name: "Ada", email: "ada@example.org" } });
	const snapshot = await (await openRegistry(join(folder, "prompts"))).snapshot();
	store = await openStore({ kind: "embedded", path: join(folder, "clickhouse") });
	await store.migrate();
	await loadEvidence(store, new Date());
	const unused = () => {
		throw new Error("not asked here");
	};
	app = await createApi({
		...{ evidence: new EvidenceReader({ store, intent: () => snapshot }), forgetUnit: unused },
		backend: { health: unused, experiments: () => [], decisions: async () => [], units: unused },
		bundle: unused,
		token: undefined,
		version: "0.0.0",
		logger: fastify().log,
	});
}, 60_000);
afterAll(async () => {
	await app.close();
	await store.close();
	rmSync(folder, { recursive: true });
});

const headers = { host: "localhost" };
const get = async (url: string) => {
	const response = await app.inject({ url, headers });
	return { status: response.statusCode, body: response.json() };
};
const ask = async (payload: object) => {
	const response = await app.inject({ method: "POST", url: "/api/v1/sql", headers, payload });
	return { status: response.statusCode, body: response.json() };
};

/** What each route answers, with the schema that the description names for it. */
const ANSWERS = [
	["/api/v1/experiments/{key}/results", "/api/v1/experiments/support-tone/results?pairwise=true", ExperimentResults],
	["/api/v1/metrics", "/api/v1/metrics?days=30", MetricList],
	[
		"/api/v1/versions/comparison",
		"/api/v1/versions/comparison?prompt=support-reply&from=1.0.0&to=2.0.0",
		VersionComparison,
	],
	["/api/v1/power", "/api/v1/power?experiment=support-tone&effect=0.1", PowerPlan],
] as const;

test("the description is valid OpenAPI, and answers are as it says", async () => {
	const { body: document } = await get("/api/v1/openapi.json");
	const checked = await new Validator().validate(structuredClone(document));
	expect(checked.errors).toBeUndefined();
	expect(checked.valid).toBe(true);
	expect(document.servers).toHaveLength(1);
	const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = ""]) => path);
	const found = (path: string) => path.split("/").reduce((node, part) => node?.[part], document);
	expect(references.filter((path) => found(path) === undefined)).toEqual([]);
	const ajv = new Ajv2020({ strict: false, validateFormats: false });
	ajv.addSchema({ $id: "api", ...document });
	for (const [path, url, schema] of ANSWERS) {
		const { status, body } = await get(url);
		expect([url, status]).toEqual([url, 200]);
		schema.parse(body);
		const { responses } = document.paths[path].get;
		const escaped = path.replaceAll("/", "~1").replaceAll("{", "%7B").replaceAll("}", "%7D");
		const validate = ajv.compile({ $ref: `api#/paths/${escaped}/get/responses/200/content/application~1json/schema` });
		expect([url, validate(body), validate.errors]).toEqual([url, true, null]);
		expect(validate({ ...body, schemaVersion: 2 })).toBe(false);
		expect(Object.keys(responses)).toEqual(expect.arrayContaining(["200", "4XX", "5XX"]));
	}
	for (const [path, { get: route }] of Object.entries<{ get?: { responses: object; operationId?: string } }>(
		document.paths,
	)) {
		if (route === undefined || !path.startsWith("/api/")) continue;
		expect([path, Object.keys(route.responses), route.operationId]).toEqual([
			path,
			expect.arrayContaining(["200", "4XX", "5XX"]),
			expect.any(String),
		]);
	}
	for (const name of ["ApiError", "ExperimentResults", "MetricList", "PowerPlan", "SqlAnswer", "Verdict"]) {
		expect(document.components.schemas[name]).toMatchObject({ type: "object" });
	}
});

test("metrics say how often they were observed", async () => {
	const { metrics } = MetricList.parse((await get("/api/v1/metrics")).body);
	const of = (key: string) => metrics.find((metric) => metric.key === key);
	expect(of("error-rate")).toMatchObject({
		definedBy: "built-in",
		unit: "share",
		observations: 1600,
		versionUnits: 400,
	});
	expect(of("judge-score")).toMatchObject({ observations: 400 });
	// Calls, not the tokens that it is divided by.
	expect(of("cache-hit-rate")).toMatchObject({ observations: 1600, versionUnits: 400 });
	expect(of("reasoning-tokens")).toMatchObject({ observations: 0, versionUnits: 0 });
});

test("a plan rests on the history of control, and its traffic on all versions", async () => {
	const plan = PowerPlan.parse((await get("/api/v1/power?experiment=support-tone&metric=latency&effect=0.1")).body);
	expect(plan).toMatchObject({ metric: "latency", unit: "ms", effect: -0.1, arms: 2 });
	expect(plan.source).toMatchObject({ kind: "history", version: "1.0.0", units: 200 });
	expect(plan.newUnitsPerDay).toEqual([80, 80, 80, 80, 80]);
	// Calls of one user are alike here, so that four of them are worth less than four users.
	expect(plan.source.kind === "history" && plan.source.designEffect).toBeGreaterThan(1.5);
	const units = plan.plans.map(({ requiredUnits }) => (requiredUnits.kind === "estimated" ? requiredUnits.units : 0));
	expect(units).toEqual(units.toSorted((a, b) => a - b));
	const [fixed] = units;
	// 2·(1.96 + 0.84)²·(σ² + 1.0·σ²)/Δ², a whole sample of both arms
	const expected = (4 * 2.8016 ** 2 * (plan.standardDeviationPerUnit ?? 0) ** 2) / (0.1 * (plan.baseline ?? 0)) ** 2;
	expect(fixed).toBeGreaterThan(0.95 * expected);
	expect(fixed).toBeLessThan(1.1 * expected + 4);
});

test("versions are compared without an experiment, and labelled so", async () => {
	const asked = "/api/v1/versions/comparison?prompt=support-reply&from=1.0.0&to=2.0.0";
	const { body } = await get(`${asked}&metrics=latency,error-rate`);
	const { design, versions, metrics } = VersionComparison.parse(body);
	expect(design).toBe("not-randomized");
	expect(versions).toMatchObject([
		{ version: "1.0.0", units: 200, calls: 800 },
		{ version: "2.0.0", units: 200, calls: 800 },
	]);
	expect(metrics.map(({ metric }) => metric)).toEqual(["latency", "error-rate"]);
	// Calls of 2.0.0 last 90 ms longer, but for 37 ms by which users with odd numbers differ.
	expect(metrics[0]?.absoluteDifference).toMatchObject({ kind: "estimated", value: expect.closeTo(90, -2) });
	expect(metrics[0]?.sentence).toContain("nobody was randomized");
	for (const [query, code] of [
		[`${asked.replace("2.0.0", "9.9.9")}`, "UNKNOWN_PROMPT"],
		[`${asked.replace("support-reply", "nobody")}`, "UNKNOWN_PROMPT"],
		[`${asked}&metrics=nothing`, "UNKNOWN_METRIC"],
		[`${asked}&until=2020-01-01T00:00:00Z`, "UNKNOWN_PROMPT"],
	] as const) {
		expect(await get(query)).toMatchObject({ status: 400, body: { code } });
	}
	for (const wrong of [asked.replace("2.0.0", "1.0.0"), `${asked}&days=0`, `${asked}&metrics=`, `${asked}&until=x`]) {
		expect([wrong, (await get(wrong)).status]).toEqual([wrong, 400]);
	}
});

test("what cannot be asked is refused with a code", async () => {
	expect(await get("/api/v1/experiments/nobody/results")).toMatchObject({
		status: 404,
		body: { code: "UNKNOWN_EXPERIMENT" },
	});
	expect(await get("/api/v1/power?experiment=nobody")).toMatchObject({ status: 404 });
	expect(await get("/api/v1/power?experiment=support-tone&metric=nothing")).toMatchObject({
		status: 400,
		body: { code: "UNKNOWN_METRIC" },
	});
	expect(await get("/api/v1/experiments/support-tone/results?iteration=7")).toMatchObject({
		status: 404,
		body: { code: "UNKNOWN_ITERATION" },
	});
	expect((await get("/api/v1/power?experiment=support-tone&effect=abc")).body).toEqual({
		code: "INVALID_REQUEST",
		message: 'invalid query parameter effect: found "abc"; expected number. See /api/v1/openapi.json',
	});
	for (const query of ["effect=0", "effect=NaN", "power=1", "days=0", "days=1e9", "unknown=1"]) {
		expect((await get(`/api/v1/power?experiment=support-tone&${query}`)).status).toBe(400);
	}
});

test("SQL is answered, and more than a question is refused", async () => {
	const answer = SqlAnswer.parse(
		(
			await ask({
				statement: "SELECT variant, count() AS calls FROM calls FINAL GROUP BY variant ORDER BY variant",
			})
		).body,
	);
	expect(answer.rows).toEqual([
		["control", "800"],
		["friendly", "800"],
	]);
	expect(await ask({ statement: "SELECT file('/etc/passwd')" })).toMatchObject({
		status: 400,
		body: { code: "SQL_REFUSED" },
	});
	expect(await ask({ statement: "SELECT nothing" })).toMatchObject({ status: 400, body: { code: "SQL_FAILED" } });
	expect((await ask({ statement: "" })).status).toBe(400);
	expect((await ask({ statement: "SELECT 1", readonly: 0 })).status).toBe(400);
	const form = await app.inject({
		method: "POST",
		url: "/api/v1/sql",
		headers: { ...headers, "content-type": "text/plain" },
		payload: '{"statement":"SELECT 1"}',
	});
	expect(form.statusCode).toBe(400);
});
