import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initRepository, openRegistry, type Registry } from "@armspan/registry";
import { readBundle } from "@armspan/router";
import { decodeTraces, openStore, type Store, storeOfEnvironment } from "@armspan/store";
import type { FastifyBaseLogger } from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Deployment } from "../routing/deployment.ts";
import { GuardrailWatch } from "./guardrail-watch.ts";

const root = mkdtempSync(join(tmpdir(), "armspan-two-"));
const silent = { error() {}, warn() {}, info() {}, debug() {} } as unknown as FastifyBaseLogger;
let store: Store;

beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: join(root, "clickhouse") });
	await store.migrate();
});
afterAll(async () => {
	await store.close();
	rmSync(root, { recursive: true, force: true });
});

let services = 0;
const ofHalt = { experiment: "support-tone", iteration: 1 };

/** A service's watch with a routing folder of its own. */
async function startService(registry: Registry, evidenceEnvironment: string, nowMs = 0) {
	const routingDirectory = join(root, `routing-${++services}`);
	const deployment = new Deployment({
		...{ registry, environmentName: "production", routingDirectory },
		...{ now: () => nowMs, logger: silent },
		highestRevision: () => storeOfEnvironment(store, evidenceEnvironment).highestRevision(),
	});
	const watch = new GuardrailWatch({
		store: storeOfEnvironment(store, evidenceEnvironment),
		...{ registry, deployment, codeVersion: "0.1.0", logger: silent, onDecision: () => undefined },
	});
	await deployment.start(await watch.start(), 0);
	const variants = () => {
		const { table } = readBundle(routingDirectory);
		return new Set(
			Array.from({ length: 200 }, (_, user) => table.assign("support-reply", { user: `user-${user}` })?.variant),
		);
	};
	return { watch, deployment, variants };
}

async function repository(name: string): Promise<Registry> {
	await initRepository(join(root, name));
	return openRegistry(join(root, name));
}

/** Calls of 60 users in each arm, in one environment; all of the treatment's fail. */
function failures(environment: string, at: Date, revision = 1): Buffer {
	const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
	const spans = Array.from({ length: 120 }, (_, user) => ({
		traceId: (user + 1).toString(16).padStart(32, "0"),
		spanId: (user + 1).toString(16).padStart(16, environment === "staging" ? "a" : "b"),
		name: "chat",
		startTimeUnixNano: `${at.getTime()}000000`,
		endTimeUnixNano: `${at.getTime() + 5}000000`,
		status: user % 2 === 0 ? {} : { code: 2 },
		attributes: Object.entries({
			"gen_ai.operation.name": "chat",
			"gen_ai.prompt.name": "support-reply",
			"feature_flag.result.variant": `support-tone.${user % 2 === 0 ? "control" : "friendly"}`,
			"armspan.experiment": "support-tone",
			"armspan.iteration": "1",
			"armspan.enrolled": "true",
			"armspan.routing.revision": String(revision),
			"armspan.unit.id": `user-${user}`,
		}).map(([key, value]) => text(key, value)),
	}));
	const resource = { attributes: [text("deployment.environment.name", environment)] };
	return Buffer.from(JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }));
}

test("two services on one store decide once, follow each other, and leave another environment alone", async () => {
	const shared = await repository("production");
	const [first, second] = [await startService(shared, "production"), await startService(shared, "production")];
	const staging = await startService(await repository("staging"), "staging");
	const began = new Date();
	await Promise.all([first, second, staging].map(({ watch }) => watch.check(began)));

	await store.insertTraces(decodeTraces(failures("production", began), "application/json").rows);
	const later = new Date(began.getTime() + 5_000);
	// both see the breach at the same moment
	await Promise.all([first, second, staging].map(({ watch }) => watch.check(later)));
	await Promise.all([first, second, staging].map(({ watch }) => watch.check(later)));

	const ofProduction = await store.listDecisions({ environment: "production" });
	expect(ofProduction.map(({ kind, environment }) => [kind, environment])).toEqual([
		["start", "production"],
		["halt", "production"],
	]);
	const ofStaging = await store.listDecisions({ environment: "staging" });
	expect(ofStaging.map(({ kind, environment }) => [kind, environment])).toEqual([["start", "staging"]]);
	// the same identity in two environments is two decisions
	expect(await store.listDecisions({})).toHaveLength(3);
	expect(first.variants()).toEqual(new Set(["default"]));
	expect(second.variants()).toEqual(new Set(["default"]));
	expect(staging.variants()).toEqual(new Set(["control", "friendly"]));
	for (const { watch } of [first, second, staging]) {
		expect(watch.health).toMatchObject({ consecutiveFailures: 0, uncommittedHalts: 0 });
	}

	// a third that starts now finds the halt in force
	expect((await startService(shared, "production")).variants()).toEqual(new Set(["default"]));
});

test("a service that takes over from one with higher revisions halts above them, and its evidence counts", async () => {
	const environment = "takeover";
	const registry = await repository(environment);
	const low = await startService(registry, environment);
	const high = await startService(registry, environment, Date.UTC(2027, 0, 1));
	const began = new Date();
	await low.watch.check(began);
	await high.watch.check(began);
	expect(high.deployment.state.revision).toBeGreaterThan(low.deployment.state.revision);

	const named = high.deployment.state.revision;
	const later = new Date(began.getTime() + 5_000);
	await store.insertTraces(decodeTraces(failures(environment, began, named), "application/json").rows);
	await low.watch.check(later);
	const [, halt] = await store.listDecisions({ environment });
	expect(halt).toMatchObject({ kind: "halt", lastRevision: named });
	expect(low.deployment.state.revision).toBeGreaterThan(named);
	expect(low.variants()).toEqual(new Set(["default"]));
	expect(await store.callsBeyondRevision({ ...ofHalt, environment, untilRevision: named })).toBe(0);
	expect(await store.callsBeyondRevision({ ...ofHalt, environment, untilRevision: named - 1 })).toBe(120);
});

test("a revision that only the evidence names is risen above once a minute; a forged one is nobody's", async () => {
	const environment = "forged";
	const { watch, deployment } = await startService(await repository(environment), environment);
	const began = new Date();
	await watch.check(began);
	const { revision } = deployment.state;
	const call = async (named: number) =>
		store.insertTraces(decodeTraces(failures(environment, began, named), "application/json").rows.slice(0, 1));
	await call(revision + 10);
	await watch.check(new Date(began.getTime() + 59_000));
	expect(deployment.state.revision).toBe(revision);
	await watch.check(new Date(began.getTime() + 60_000));
	expect(deployment.state.revision).toBe(revision + 11);
	await call(2 ** 53 - 1);
	await watch.check(new Date(began.getTime() + 120_000));
	expect(deployment.state.revision).toBe(revision + 11);
	expect(watch.health.consecutiveFailures).toBe(0);
});

test("a store that does not say which revisions it names is no reason not to write", async () => {
	const routingDirectory = join(root, "silent");
	const registry = await repository("silent");
	const deployment = new Deployment({
		...{ registry, environmentName: "production", routingDirectory, now: () => 0, logger: silent },
		highestRevision: () => Promise.reject(new Error("away")),
	});
	const { revision } = await deployment.start(new Set(), 0);
	expect((await deployment.halt(new Set(["support-tone#1"]))).revision).toBe(revision + 1);
});
