import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replayDecision } from "@armspan/analysis";
import { initRepository, openRegistry, type Registry } from "@armspan/registry";
import { BundleWatcher, readBundle } from "@armspan/router";
import type { Decision } from "@armspan/schema";
import type { ArmTotals, Store, ViolationWindows } from "@armspan/store";
import type { FastifyBaseLogger } from "fastify";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { Deployment } from "../routing/deployment.ts";
import { GuardrailWatch } from "./guardrail-watch.ts";

const root = mkdtempSync(join(tmpdir(), "armspan-watch-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const silent = { error() {}, warn() {}, info() {}, debug() {} } as unknown as FastifyBaseLogger;
let run = 0;
let repository: string;
let routingDirectory: string;
let registry: Registry;

beforeEach(async () => {
	run++;
	repository = join(root, `repository-${run}`);
	routingDirectory = join(root, `routing-${run}`);
	await initRepository(repository);
	registry = await openRegistry(repository);
});

/** Decisions and violations as a store keeps them; the real store is tested in its own package and end to end. */
function evidence() {
	const decisions: Decision[] = [];
	let failing: Error | undefined;
	let friendlyViolations = 0;
	let isEmpty = false;
	const windows = (variant: string, units: number): ViolationWindows => ({
		variant,
		windows: [{ window: 0, units }],
	});
	const store = {
		lastCallStart: async () => null,
		listDecisions: async () => decisions,
		appendDecision: async (decision: Decision) => void decisions.push(decision),
		violationWindows: async () => {
			if (failing) throw failing;
			if (isEmpty) return [windows("control", 0)];
			return [windows("control", 2), windows("friendly", friendlyViolations)];
		},
	} as unknown as Store;
	return {
		store,
		decisions,
		degrade: () => {
			friendlyViolations = 60;
		},
		/** No call of the treatment has come. */
		empty: (empty: boolean) => {
			isEmpty = empty;
		},
		fail: (error: Error | undefined) => {
			failing = error;
		},
	};
}

async function start(store: Store, useRegistry = registry) {
	const seen: Decision[] = [];
	const deployment = new Deployment({
		registry: useRegistry,
		environmentName: "production",
		routingDirectory,
		now: () => 0,
		logger: silent,
	});
	const watch = new GuardrailWatch({
		store,
		registry: useRegistry,
		deployment,
		codeVersion: "0.1.0",
		logger: silent,
		onDecision: (decision) => seen.push(decision),
	});
	await deployment.start(await watch.start(), 0);
	return { deployment, watch, seen };
}

const now = new Date("2026-11-20T10:00:00Z");
const later = new Date("2026-11-20T10:00:10Z");
const git = (...args: string[]) =>
	execFileSync("git", ["-C", repository, "-c", "user.name=t", "-c", "user.email=t@t", ...args], { encoding: "utf8" });
const assignments = () => {
	const { table } = readBundle(routingDirectory);
	return new Set(
		Array.from({ length: 200 }, (_, index) => table.assign("support-reply", { user: `user-${index}` })?.variant),
	);
};
const statusInGit = () => /^status: (\w+)/m.exec(git("show", "HEAD:experiments/support-tone.yaml"))?.[1];

describe("GuardrailWatch", () => {
	test("a breach: decision, bundle and commit, once", async () => {
		const { store, decisions, degrade } = evidence();
		const { watch, seen, deployment } = await start(store);
		await watch.check(now);
		expect(decisions.map(({ kind }) => kind)).toEqual(["start"]);
		expect(assignments()).toEqual(new Set(["control", "friendly"]));

		degrade();
		await watch.check(later);
		await watch.check(later);
		expect(decisions.map(({ kind, lastRevision }) => [kind, lastRevision])).toEqual([
			["start", 1],
			["halt", 1],
		]);
		expect(seen).toHaveLength(1);
		expect(assignments()).toEqual(new Set(["default"]));
		expect(statusInGit()).toBe("halted");
		expect(git("status", "--porcelain")).toBe("");
		expect(deployment.state.revision).toBeGreaterThan(1);
		expect(watch.health).toMatchObject({ consecutiveFailures: 0, uncommittedHalts: 0 });
	});

	test("a guardrail on a mean halts, too, and is looked at less often", async () => {
		const { store, decisions } = evidence();
		let [asked, friendlyLatency] = [0, 1000];
		const arm = (variant: string, latency: number): ArmTotals => {
			const [units, y] = [1000n, BigInt(latency * 1000)];
			const spread = y * y + 10_000n;
			const sums = { sumY: units * y, sumN: units, sumYY: units * spread, sumNN: units, sumYN: units * y };
			const none = { sumOfSquares: null, winsorized: null, covariate: null, cacheHits: null, cells: null };
			return {
				...{ variant, day: "2026-11-20", units: 1000, calls: 1000 },
				...{ undeliveredCalls: 0, quarantinedCalls: 0, errorTypes: new Map() },
				metrics: { latency: { units: 1000, ...sums, scale: 1000, ...none } },
			};
		};
		(store as { metricTotals: unknown }).metricTotals = async () => {
			asked += 1;
			return { arms: [arm("control", 1000), arm("friendly", friendlyLatency)] };
		};
		(store as { sumsSinceStarts: unknown }).sumsSinceStarts = async () => [];
		const file = join(repository, "experiments/support-tone.yaml");
		const text = readFileSync(file, "utf8");
		writeFileSync(file, text.replace("guardrails:", "guardrails:\n  - { metric: latency, nonInferiorityMargin: 0.1 }"));
		git("commit", "-qam", "guard latency");
		const { watch } = await start(store);
		await watch.check(now);
		friendlyLatency = 1500;
		await watch.check(new Date(now.getTime() + 5000));
		expect(asked).toBe(1);
		expect(statusInGit()).toBe("running");
		// longer than the rest after a look that took a second on a busy machine
		await watch.check(new Date(now.getTime() + 60_000));
		expect(asked).toBe(2);
		expect(statusInGit()).toBe("halted");
		expect(assignments()).toEqual(new Set(["default"]));
		expect(decisions.at(-1)).toMatchObject({ kind: "halt", metric: "latency" });
		expect(replayDecision(decisions.at(-1)!)).toMatchObject({ matches: true });
	});

	test("killed after the decision was recorded: the halt is in force before anything else, and git follows", async () => {
		const { store, degrade } = evidence();
		degrade();
		// Everything after the decision row fails, as if the process had ended there.
		const killed = await start(store, { ...registry, changeExperiment: () => Promise.reject(new Error("killed")) });
		killed.deployment.halt = () => Promise.reject(new Error("killed"));
		await killed.watch.check(now);
		expect(statusInGit()).toBe("running");
		expect(assignments()).toEqual(new Set(["control", "friendly"]));

		const next = await start(store);
		expect(assignments()).toEqual(new Set(["default"]));
		await next.watch.check(later);
		expect(statusInGit()).toBe("halted");
	});

	test("a bundle that cannot be written is tried again", async () => {
		const { store, degrade } = evidence();
		// git fails too, or the commit that says halted would bring the bundle along.
		const { watch, deployment } = await start(store, {
			...registry,
			changeExperiment: () => Promise.reject(new Error("disk full")),
		});
		const halt = deployment.halt.bind(deployment);
		degrade();
		deployment.halt = () => Promise.reject(new Error("disk full"));
		await watch.check(now);
		expect(watch.health.consecutiveFailures).toBe(1);
		expect(assignments()).toEqual(new Set(["control", "friendly"]));
		deployment.halt = halt;
		await watch.check(later);
		expect(watch.health.consecutiveFailures).toBe(0);
		expect(watch.health.uncommittedHalts).toBe(1);
		expect(assignments()).toEqual(new Set(["default"]));
	});

	test("git that cannot commit delays nothing, and is made up for", async () => {
		const { store, degrade } = evidence();
		let broken = true;
		const { watch } = await start(store, {
			...registry,
			changeExperiment: (...args) =>
				broken ? Promise.reject(new Error("no space left")) : registry.changeExperiment(...args),
		});
		degrade();
		await watch.check(now);
		expect(assignments()).toEqual(new Set(["default"]));
		expect(watch.health.uncommittedHalts).toBe(1);
		broken = false;
		await watch.check(later);
		expect(watch.health.uncommittedHalts).toBe(0);
		expect(statusInGit()).toBe("halted");
	});

	test("a store that does not answer decides nothing and is counted", async () => {
		const { store, decisions, degrade, fail } = evidence();
		const { watch } = await start(store);
		degrade();
		fail(new Error("no answer"));
		await watch.check(now);
		await watch.check(now);
		expect(watch.health).toMatchObject({ consecutiveFailures: 2, unmeasured: ["support-tone"] });
		expect(decisions.filter(({ kind }) => kind === "halt")).toEqual([]);
		fail(undefined);
		await watch.check(later);
		expect(watch.health.unmeasured).toEqual([]);
		expect(decisions.filter(({ kind }) => kind === "halt")).toHaveLength(1);
	});

	test("a guardrail with nothing to compare is unmeasured, as results say it, until there is", async () => {
		const { store, empty } = evidence();
		const { watch } = await start(store);
		empty(true);
		await watch.check(now);
		expect(watch.health).toMatchObject({ consecutiveFailures: 0, unmeasured: ["support-tone"] });
		empty(false);
		await watch.check(later);
		expect(watch.health.unmeasured).toEqual([]);
	});

	test("a person's commit during the halt is kept; git ends halted", async () => {
		const { store, degrade } = evidence();
		const { watch } = await start(store);
		degrade();
		const file = join(repository, "experiments/support-tone.yaml");
		writeFileSync(file, readFileSync(file, "utf8").replace(/^owner: .*$/m, "owner: somebody-else"));
		git("commit", "-qam", "new owner");
		await watch.check(now);
		expect(git("show", "HEAD:experiments/support-tone.yaml")).toMatch(/^owner: somebody-else$/m);
		expect(statusInGit()).toBe("halted");
	});

	test("a halted iteration does not resume by a commit; a new iteration starts afresh", async () => {
		const { store, decisions, degrade } = evidence();
		const { watch } = await start(store);
		degrade();
		await watch.check(now);
		const file = join(repository, "experiments/support-tone.yaml");
		writeFileSync(file, readFileSync(file, "utf8").replace("status: halted", "status: running"));
		git("commit", "-qam", "run again");
		await watch.check(later);
		expect(assignments()).toEqual(new Set(["default"]));
		expect(statusInGit()).toBe("halted");

		writeFileSync(
			file,
			readFileSync(file, "utf8")
				.replace("status: halted", "status: running")
				.replace(/^iteration: 1$/m, "iteration: 2"),
		);
		git("commit", "-qam", "second iteration");
		const health = watch.health;
		expect(health.consecutiveFailures).toBe(0);
		// Fresh evidence: what broke the first iteration is not held against the second.
		(store as { violationWindows: unknown }).violationWindows = async () => [];
		await watch.check(later);
		expect(assignments()).toEqual(new Set(["control", "friendly"]));
		expect(decisions.filter(({ kind, iteration }) => kind === "start" && iteration === 2)).toHaveLength(1);
	});

	test("a broken commit changes nothing and is named; the next good one is deployed", async () => {
		const { store } = evidence();
		const { watch, deployment } = await start(store);
		const file = join(repository, "environments/production.yaml");
		const good = readFileSync(file, "utf8");
		writeFileSync(file, "prompts: [");
		git("commit", "-qam", "broken");
		await watch.check(now);
		expect(deployment.problem).toContain("environments/production.yaml:1");
		expect(assignments()).toEqual(new Set(["control", "friendly"]));
		writeFileSync(file, good);
		git("commit", "-qam", "mended");
		await watch.check(later);
		expect(deployment.problem).toBeUndefined();
	});

	test("a lost bundle is written again with a higher revision", async () => {
		const { store } = evidence();
		const first = await start(store);
		expect(first.deployment.state.revision).toBe(1);
		rmSync(routingDirectory, { recursive: true });
		const options = { registry, environmentName: "production", routingDirectory, logger: silent };
		await new Deployment({ ...options, now: () => 0 }).start(new Set(), 41);
		expect(readBundle(routingDirectory).table.revision).toBe(42);

		// With the evidence lost too, only the clock knows that applications may hold a bundle already.
		rmSync(routingDirectory, { recursive: true });
		await new Deployment(options).start(new Set(), 0);
		expect(readBundle(routingDirectory).table.revision).toBeGreaterThan(20_000_000);
	});

	test("a halt reaches applications that hold a bundle which was lost on disk", async () => {
		const { store, degrade } = evidence();
		const { watch, deployment } = await start(store);
		await watch.check(now);
		const application = new BundleWatcher(routingDirectory, { onChange: () => undefined, onError: () => undefined });
		try {
			const held = application.current?.table.revision ?? 0;
			rmSync(routingDirectory, { recursive: true });
			degrade();
			await watch.check(later);
			expect(deployment.state.revision).toBeGreaterThan(held);
			while (application.current?.table.revision !== deployment.state.revision) {
				await new Promise((resolve) => setTimeout(resolve, 20));
			}
			expect(application.current.table.assign("support-reply", { user: "user-1" })?.enrolled).toBe(false);
		} finally {
			application.close();
		}
	});

	test.each([
		["removed", () => rmSync(join(routingDirectory, "routing.json"))],
		["torn", () => writeFileSync(join(routingDirectory, "routing.json"), "{ broken")],
		[
			"edited by hand",
			() => {
				const file = join(routingDirectory, "routing.json");
				writeFileSync(file, readFileSync(file, "utf8").replaceAll("support-tone.friendly", "support-tone.control"));
			},
		],
	])("a bundle that was %s is restored at the next look, with a higher revision", async (_how, damage) => {
		const { store } = evidence();
		const { watch } = await start(store);
		await watch.check(now);
		damage();
		await watch.check(later);
		expect(assignments()).toEqual(new Set(["control", "friendly"]));
		expect(readBundle(routingDirectory).table.revision).toBeGreaterThan(1);
		expect(watch.health.consecutiveFailures).toBe(0);
	});

	test.each([
		["weights", (text: string) => text.replace("weight: 1", "weight: 9"), "variants[0].weight: 9; "],
		["a variant's name", (text: string) => text.replace("key: friendly", "key: warm"), 'variants[1].key: "warm"; '],
		[
			"a guardrail",
			(text: string) => text.replace("nonInferiorityMargin: 0.25", "nonInferiorityMargin: 5"),
			"guardrails[0].nonInferiorityMargin: 5; iteration 1 of support-tone was begun with 0.25; set iteration: 2,",
		],
	])(
		"a commit that changes %s within an iteration is refused; as a new iteration it is deployed",
		async (_what, change, said) => {
			const { store } = evidence();
			const { watch, deployment } = await start(store);
			await watch.check(now);
			const deployedCommit = deployment.state.snapshot.commit;
			const file = join(repository, "experiments/support-tone.yaml");
			writeFileSync(file, change(readFileSync(file, "utf8")));
			git("commit", "-qam", "changed");
			await watch.check(later);
			expect(deployment.problem).toMatch(/^experiments\/support-tone\.yaml:\d+: /);
			expect(deployment.problem).toContain(said);
			expect(deployment.problem).toContain("set iteration: 2");
			expect(deployment.state.snapshot.commit).toBe(deployedCommit);
			// The service would not start on it either.
			await expect(start(store)).rejects.toMatchObject({ code: "ITERATION_CHANGED" });

			writeFileSync(file, readFileSync(file, "utf8").replace(/^iteration: 1$/m, "iteration: 2"));
			git("commit", "-qam", "second iteration");
			await watch.check(later);
			expect(deployment.problem).toBeUndefined();
			expect(deployment.state.snapshot.commit).not.toBe(deployedCommit);
		},
	);

	test("an application that still calls a halted variant is named in the health; calls around the halt are not", async () => {
		const { store, degrade } = evidence();
		const { watch } = await start(store);
		degrade();
		await watch.check(now);
		const calledAt = (at: string) => {
			store.lastCallStart = async ({ variant }) => (variant === "friendly" ? new Date(at) : null);
		};
		calledAt("2026-11-20T10:00:30Z");
		await watch.check(later);
		expect(watch.health.ignoredHalts).toEqual([]);
		calledAt("2026-11-20T10:05:00Z");
		await watch.check(later);
		expect(watch.health.ignoredHalts).toEqual(["support-tone.friendly"]);
	});

	test("the gate may move within an iteration", async () => {
		const { store } = evidence();
		const { watch, deployment } = await start(store);
		await watch.check(now);
		const file = join(repository, "experiments/support-tone.yaml");
		writeFileSync(file, readFileSync(file, "utf8").replace("enrolled: 1", "enrolled: 0.5"));
		git("commit", "-qam", "ramp down");
		await watch.check(later);
		expect(deployment.problem).toBeUndefined();
		expect(assignments()).toEqual(new Set(["control", "friendly", "default"]));
	});
});
