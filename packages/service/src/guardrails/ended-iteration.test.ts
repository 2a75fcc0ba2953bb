import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { analyzeExperiment, startDecision } from "@armspan/analysis";
import { initRepository, openRegistry, type Registry } from "@armspan/registry";
import { readBundle } from "@armspan/router";
import type { Decision } from "@armspan/schema";
import { decodeTraces, openStore, type Store, storeOfEnvironment } from "@armspan/store";
import type { FastifyBaseLogger } from "fastify";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Deployment } from "../routing/deployment.ts";
import { ComparisonLooks } from "../snapshots/comparison-looks.ts";
import { GuardrailWatch } from "./guardrail-watch.ts";

const root = mkdtempSync(join(tmpdir(), "armspan-ended-"));
const silent = { error() {}, warn() {}, info() {}, debug() {} } as unknown as FastifyBaseLogger;
let everything: Store;
/** Of this test's environment only. */
let store: Store;
let environment: string;
let registry: Registry;
let file: string;
let [runs, services] = [0, 0];

beforeAll(async () => {
	everything = await openStore({ kind: "embedded", path: join(root, "clickhouse") });
	await everything.migrate();
});
afterAll(async () => {
	await everything.close();
	rmSync(root, { recursive: true, force: true });
});
beforeEach(async () => {
	environment = `environment-${++runs}`;
	store = storeOfEnvironment(everything, environment);
	const repository = join(root, `repository-${runs}`);
	await initRepository(repository);
	registry = await openRegistry(repository);
	file = join(repository, "experiments/support-tone.yaml");
});

async function startService(routingDirectory = join(root, `routing-${++services}`)) {
	const seen: Decision[] = [];
	const deployment = new Deployment({
		...{ registry, environmentName: "production", routingDirectory },
		...{ now: () => 0, logger: silent },
	});
	const watch = new GuardrailWatch({
		...{ store, registry, deployment, codeVersion: "0.1.0", logger: silent },
		onDecision: (decision) => seen.push(decision),
	});
	await deployment.start(await watch.start(), 0);
	const variants = () => {
		const { table } = readBundle(routingDirectory);
		return new Set(
			Array.from({ length: 200 }, (_, user) => table.assign("support-reply", { user: `user-${user}` })?.variant),
		);
	};
	return { deployment, watch, seen, variants, routingDirectory };
}

function commit(change: (text: string) => string): void {
	writeFileSync(file, change(readFileSync(file, "utf8")));
	const directory = join(file, "../..");
	execFileSync("git", ["-C", directory, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qam", "change"]);
}
const stop = (text: string) => text.replace("status: running", "status: stopped");
const resume = (text: string) => text.replace("status: stopped", "status: running");
const at = (seconds: number) => new Date(Date.UTC(2026, 10, 20, 10, 0, seconds));
const BOTH = new Set(["control", "friendly"]);

/** Calls of as many users, alternately in both arms, at the first revision. */
async function call(count: number, when: Date, firstUser = 0): Promise<void> {
	const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
	const spans = Array.from({ length: count }, (_, index) => ({
		traceId: `${runs}`.padEnd(4, "0") + (firstUser + index + 1).toString(16).padStart(28, "0"),
		spanId: when.getTime().toString(16).padStart(16, "a"),
		name: "chat",
		startTimeUnixNano: `${when.getTime()}000000`,
		endTimeUnixNano: `${when.getTime() + 5}000000`,
		attributes: Object.entries({
			"gen_ai.operation.name": "chat",
			"gen_ai.prompt.name": "support-reply",
			"feature_flag.result.variant": `support-tone.${index % 2 === 0 ? "control" : "friendly"}`,
			"armspan.experiment": "support-tone",
			"armspan.iteration": "1",
			"armspan.enrolled": "true",
			"armspan.routing.revision": "1",
			"armspan.unit.id": `user-${firstUser + index}`,
		}).map(([key, value]) => text(key, value)),
	}));
	const resource = { attributes: [text("deployment.environment.name", environment)] };
	const body = Buffer.from(JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }));
	await store.insertTraces(decodeTraces(body, "application/json").rows);
}

async function results() {
	const snapshot = await registry.snapshot();
	const experiment = snapshot.experiments.find((one) => one.experiment.key === "support-tone")?.experiment;
	return analyzeExperiment({ store, experiment: experiment!, now: at(3600), environment });
}
const units = async () => (await results()).variants.map((variant) => variant.units);
const kinds = async () =>
	(await store.listDecisions({})).map(({ kind, decidedAt, lastRevision }) => [kind, decidedAt, lastRevision]);

test("stopped: two services record the end once, and an application that goes on no longer counts", async () => {
	const [first, second] = [await startService(), await startService()];
	await Promise.all([first, second].map(({ watch }) => watch.check(at(0))));
	await call(40, at(10));
	expect(await results()).toMatchObject({ status: "running", closedAt: null, closedAtRevision: null });

	commit(stop);
	await Promise.all([first.watch.check(at(20)), second.watch.check(at(21))]);
	await Promise.all([first.watch.check(at(22)), second.watch.check(at(23))]);
	expect(await kinds()).toEqual([
		["start", at(0).toISOString(), 1],
		["end", at(20).toISOString(), 1],
	]);
	expect([first.variants(), second.variants()]).toEqual([new Set(["default"]), new Set(["default"])]);
	expect(
		[first.seen, second.seen].flat().every(({ reason }) => reason === "iteration 1 ended: support-tone is stopped"),
	).toBe(true);

	await call(60, at(30), 100);
	expect(await units()).toEqual([20, 20]);
	// what happened before counts, whenever it comes
	await call(2, at(15), 50);
	expect(await units()).toEqual([21, 21]);
	expect(await results()).toMatchObject({ status: "stopped", closedAt: at(20).toISOString(), closedAtRevision: 1 });
});

test("changed while the service was down: closed when it deploys again, not before", async () => {
	const first = await startService();
	await first.watch.check(at(0));
	commit(stop);
	// nobody deployed it: the application is routed as it was
	await call(40, at(600));
	expect(await units()).toEqual([20, 20]);

	const next = await startService(first.routingDirectory);
	await next.watch.check(at(900));
	expect((await kinds())[1]).toEqual(["end", at(900).toISOString(), 1]);
	await call(40, at(901), 100);
	expect(await units()).toEqual([20, 20]);
});

test("killed between the bundle and the record: the next service records it", async () => {
	const first = await startService();
	await first.watch.check(at(0));
	commit(stop);
	await first.deployment.follow();
	expect(first.variants()).toEqual(new Set(["default"]));

	const next = await startService(first.routingDirectory);
	await next.watch.check(at(30));
	expect((await kinds())[1]).toEqual(["end", at(30).toISOString(), 1]);
});

test("an end that could not be written is written at the next look", async () => {
	const { watch } = await startService();
	await watch.check(at(0));
	commit(stop);
	const { appendDecision } = everything;
	everything.appendDecision = () => Promise.reject(new Error("no answer"));
	await watch.check(at(10)).finally(() => {
		everything.appendDecision = appendDecision;
	});
	expect(watch.health.consecutiveFailures).toBe(1);
	await watch.check(at(11));
	expect((await kinds())[1]?.slice(0, 2)).toEqual(["end", at(11).toISOString()]);
	expect(watch.health.consecutiveFailures).toBe(0);
});

test("ended does not resume: a commit is refused, a service that starts keeps it out, a new iteration runs", async () => {
	const first = await startService();
	await first.watch.check(at(0));
	commit(stop);
	await first.watch.check(at(10));
	commit(resume);
	await first.watch.check(at(20));
	expect(first.variants()).toEqual(new Set(["default"]));
	expect(first.deployment.problem).toContain("set iteration: 2");

	// neither the bundle nor its folder is left to say that it was stopped
	const next = await startService();
	expect(next.variants()).toEqual(new Set(["default"]));
	expect(next.deployment.problem).toContain("experiments/support-tone.yaml: iteration 1 ended at");
	await next.watch.check(at(30));
	expect(next.variants()).toEqual(new Set(["default"]));
	expect(await results()).toMatchObject({ status: "stopped", closedAt: at(10).toISOString() });

	commit((text) => text.replace(/^iteration: 1$/m, "iteration: 2"));
	await next.watch.check(at(40));
	expect(next.deployment.problem).toBeUndefined();
	expect(next.variants()).toEqual(BOTH);
	expect((await kinds()).map(([kind]) => kind)).toEqual(["start", "end", "start"]);
});

test.each([
	["halted by a person", (text: string) => text.replace("status: running", "status: halted"), "support-tone is halted"],
	["back to draft", (text: string) => text.replace("status: running", "status: draft"), "support-tone is draft"],
	["replaced by the next", (text: string) => text.replace(/^iteration: 1$/m, "iteration: 2"), "is at iteration 2"],
])("%s: ended, too", async (_how, change, reason) => {
	const { watch } = await startService();
	await watch.check(at(0));
	commit(change);
	await watch.check(at(10));
	const ends = (await store.listDecisions({})).filter(({ kind }) => kind === "end");
	expect(ends).toMatchObject([
		{ iteration: 1, decidedAt: at(10).toISOString(), reason: expect.stringContaining(reason) },
	]);
});

test("an experiment that is gone has ended for who saw it run; what belongs to others is left alone", async () => {
	const { watch } = await startService();
	const { experiments } = await registry.snapshot();
	const foreign = { ...experiments[0]!.experiment, key: "of-another-repository" };
	await store.appendDecision(
		startDecision({ experiment: foreign, experimentDigest: "", codeVersion: "0.1.0", lastRevision: 1 }, at(0)),
	);
	await watch.check(at(0));
	rmSync(file);
	const directory = join(file, "../..");
	execFileSync("git", ["-C", directory, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qam", "gone"]);
	await watch.check(at(10));
	const ends = (await store.listDecisions({})).filter(({ kind }) => kind === "end");
	expect(ends.map(({ experiment }) => experiment)).toEqual(["support-tone"]);
});

test("the last look is of the end, and says what it said", async () => {
	const { watch, deployment } = await startService();
	let elapsedMs = 0;
	const looks = new ComparisonLooks({
		...{ store, environment, codeVersion: "0.1.0", logger: silent, elapsedMs: () => elapsedMs++ * 1e9 },
		experiments: () => deployment.experiments.map(({ experiment }) => experiment),
	});
	await watch.check(at(0));
	await call(40, at(5));
	await looks.look(at(60));
	commit(stop);
	await watch.check(at(125));
	looks.want("support-tone");
	await looks.look(at(126));
	await call(40, at(150), 100);
	await looks.look(at(181));
	const written = await store.latestLooks({ experiment: "support-tone", iteration: 1, environment, until: at(3600) });
	expect(written.map(({ kind, lookAt }) => [kind, lookAt])).toEqual([
		["final", at(125)],
		["look", at(60)],
	]);
	const { rows } = await store.userSql(
		`SELECT DISTINCT arm_units FROM snapshots FINAL WHERE environment = '${environment}' AND kind = 'final'`,
	);
	expect(rows).toEqual([["20"]]);
});
