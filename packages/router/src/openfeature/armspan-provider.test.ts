import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
	ErrorCode,
	type EventDetails,
	OpenFeature,
	ProviderEvents,
	ProviderStatus,
	StandardResolutionReasons,
} from "@openfeature/server-sdk";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BundleWatcher } from "../adapters/bundle-watcher.ts";
import { HttpBundleSource } from "../adapters/http-bundle-source.ts";
import { readBundle } from "../adapters/read-bundle.ts";
import { writeBundle } from "../adapters/write-bundle.ts";
import { compileBundle } from "../compile-bundle.ts";
import { RoutingTable } from "../routing-table.ts";
import { sampleExperiment, sampleInput } from "../testing/sample-input.ts";
import { ArmspanProvider, type FlagSource, type FlagSourceEvents, type TrackedEvent } from "./armspan-provider.ts";
import type { EvaluableBundle } from "./evaluate-flag.ts";

function bundleOf(changes: Parameters<typeof sampleInput>[0] = {}): EvaluableBundle {
	const { file } = compileBundle(sampleInput(changes));
	return { file, table: RoutingTable.fromFile(file) };
}

/** A source in the hands of the test. */
class ManualSource implements FlagSource {
	current: EvaluableBundle | undefined;
	problem: string | undefined;
	isFromCache = false;
	opened = 0;
	closed = 0;
	#events: FlagSourceEvents | undefined;

	readonly open = (events: FlagSourceEvents): FlagSource => {
		this.opened++;
		this.#events = events;
		return this;
	};

	constructor(current?: EvaluableBundle) {
		this.current = current;
	}

	change(bundle: EvaluableBundle): void {
		this.current = bundle;
		this.problem = undefined;
		this.#events?.onChange();
	}

	refuse(problem: string): void {
		this.problem = problem;
		this.#events?.onError(new Error(problem));
	}

	close(): void {
		this.closed++;
	}
}

let domains = 0;
/** A domain of its own for each test, so that none sees another's provider. */
const newDomain = () => `domain-${++domains}`;

function eventsOf(domain: string) {
	const client = OpenFeature.getClient(domain);
	const seen: { event: ProviderEvents; details: EventDetails | undefined }[] = [];
	for (const event of Object.values(ProviderEvents)) {
		client.addHandler(event, (details) => {
			seen.push({ event, details });
		});
	}
	return seen;
}

async function clientOf(provider: ArmspanProvider, domain = newDomain()) {
	await OpenFeature.setProviderAndWait(domain, provider);
	return OpenFeature.getClient(domain);
}

afterEach(() => OpenFeature.close());

describe("evaluation", () => {
	it("gives an object as it stands in the routing file, with variant, reason and metadata", async () => {
		const bundle = bundleOf({ revision: 7 });
		const client = await clientOf(new ArmspanProvider({ source: new ManualSource(bundle).open }));
		const details = await client.getObjectDetails("support-reply", {}, { targetingKey: "u-17" });
		const assignment = bundle.table.assign("support-reply", { user: "u-17" })!;
		expect(details).toEqual({
			flagKey: "support-reply",
			value: bundle.file.flags["support-reply"]?.variants[assignment.flagVariant],
			variant: "polite.polite",
			reason: StandardResolutionReasons.SPLIT,
			flagMetadata: {
				flagSetId: "armspan/production",
				version: "7",
				"armspan.routing.revision": 7,
				"armspan.unit.type": "user",
				"armspan.enrolled": true,
				"armspan.reason": "split",
				"armspan.experiment": "polite",
				"armspan.iteration": 1,
				"armspan.prompt.digest": assignment.digest,
				"gen_ai.prompt.version": "1.1.0",
			},
		});
	});

	it("gives a text as the prompt's version", async () => {
		const client = await clientOf(new ArmspanProvider({ source: new ManualSource(bundleOf()).open }));
		const details = await client.getStringDetails("support-reply", "none", { targetingKey: "u-17" });
		expect(details).toMatchObject({ value: "1.1.0", variant: "polite.polite", reason: "SPLIT" });
	});

	it("gives the default variant, reason DEFAULT, to a call without a unit and to a prompt without experiment", async () => {
		const client = await clientOf(new ArmspanProvider({ source: new ManualSource(bundleOf()).open }));
		for (const context of [{}, { targetingKey: "" }]) {
			const details = await client.getObjectDetails("support-reply", {}, context);
			expect(details).toMatchObject({
				variant: "default",
				reason: "DEFAULT",
				value: { version: "1.0.0", enrolled: false },
				flagMetadata: { "armspan.reason": "no-unit", "armspan.enrolled": false },
			});
			expect(details.errorCode).toBeUndefined();
			expect(details.flagMetadata).not.toHaveProperty("armspan.experiment");
		}
		const summary = await client.getStringDetails("summary", "none", { targetingKey: "u-17" });
		expect(summary).toMatchObject({ value: "2.0.0", variant: "default", reason: "DEFAULT" });
	});

	it("gives DISABLED where the experiment was halted", async () => {
		const bundle = bundleOf({ halted: new Set(["polite#1"]) });
		const client = await clientOf(new ArmspanProvider({ source: new ManualSource(bundle).open }));
		const details = await client.getStringDetails("support-reply", "none", { targetingKey: "u-17" });
		expect(details).toMatchObject({ value: "1.0.0", variant: "default", reason: "DISABLED" });
		expect(details.flagMetadata["armspan.reason"]).toBe("halted");
	});

	it("gives an overridden unit its arm, reason TARGETING_MATCH, not enrolled", async () => {
		const overrides = [{ unit: "tëster", experiment: "polite", variant: "polite" }];
		const client = await clientOf(
			new ArmspanProvider({ source: new ManualSource(bundleOf({ environment: { overrides } })).open }),
		);
		const details = await client.getObjectDetails("support-reply", {}, { targetingKey: "tëster" });
		expect(details).toMatchObject({
			variant: "polite.polite.override",
			reason: "TARGETING_MATCH",
			value: { version: "1.1.0", enrolled: false },
			flagMetadata: { "armspan.experiment": "polite", "armspan.enrolled": false, "armspan.reason": "override" },
		});
	});

	it("names what runs in the shadow of the default version, reason SPLIT", async () => {
		const experiments = [sampleExperiment({ allocation: { type: "shadow" } })];
		const client = await clientOf(new ArmspanProvider({ source: new ManualSource(bundleOf({ experiments })).open }));
		const details = await client.getObjectDetails("support-reply", {}, { targetingKey: "u-17" });
		expect(details).toMatchObject({
			variant: "polite.polite.shadow",
			reason: "SPLIT",
			value: { version: "1.0.0", enrolled: false, shadow: { version: "1.1.0", variant: "polite" } },
			flagMetadata: { "armspan.enrolled": false, "armspan.reason": "shadow", "gen_ai.prompt.version": "1.0.0" },
		});
	});

	it("answers the code default with the reason's code: other types, unknown flags, names of Object's own", async () => {
		const client = await clientOf(new ArmspanProvider({ source: new ManualSource(bundleOf()).open }));
		expect(await client.getBooleanDetails("support-reply", true)).toMatchObject({
			value: true,
			reason: "ERROR",
			errorCode: ErrorCode.TYPE_MISMATCH,
		});
		expect(await client.getNumberDetails("support-reply", 3)).toMatchObject({
			value: 3,
			errorCode: ErrorCode.TYPE_MISMATCH,
		});
		for (const key of ["no-such-prompt", "constructor", "__proto__", ""]) {
			expect(await client.getStringDetails(key, "mine")).toMatchObject({
				value: "mine",
				reason: "ERROR",
				errorCode: ErrorCode.FLAG_NOT_FOUND,
			});
		}
		expect(await client.getBooleanDetails("no-such-prompt", true)).toMatchObject({
			errorCode: ErrorCode.FLAG_NOT_FOUND,
		});
	});

	it("hands out values of the caller's own", async () => {
		const bundle = bundleOf();
		const client = await clientOf(new ArmspanProvider({ source: new ManualSource(bundle).open }));
		const context = { targetingKey: "u-17" };
		const before = JSON.stringify(bundle.file);
		const first = (await client.getObjectDetails("support-reply", {}, context)) as unknown as {
			value: { version: string; parameters: Record<string, unknown> };
		};
		first.value.version = "changed";
		first.value.parameters.temperature = 2;
		const second = await client.getObjectDetails("support-reply", {}, context);
		expect(second.value).toMatchObject({ version: "1.1.0", parameters: { temperature: 0.2 } });
		expect(JSON.stringify(bundle.file)).toBe(before);
	});
});

describe("units", () => {
	const context = { targetingKey: "u-1", session: "s-1", request: 5, accountId: "acme" };

	async function unitOf(unit: object, given: object, targetingKeyUnit?: "flag" | "user") {
		const bundle = bundleOf({ experiments: [sampleExperiment(unit)] });
		const events: TrackedEvent[] = [];
		const provider = new ArmspanProvider({
			source: new ManualSource(bundle).open,
			targetingKeyUnit,
			onTrack: (event) => events.push(event),
		});
		const client = await clientOf(provider);
		client.track("probe", given as never, { prompt: "support-reply" });
		const details = await client.getStringDetails("support-reply", "none", given as never);
		return { unitId: events[0]?.unitId, details };
	}

	it.each([
		[{ unit: "user" }, context, "u-1"],
		[{ unit: "user" }, { ...context, user: "u-2" }, "u-2"],
		[{ unit: "session" }, context, "s-1"],
		[{ unit: "request" }, context, "5"],
		[{ unit: "session" }, { targetingKey: "s-9" }, "s-9"],
		[{ unit: "session" }, { targetingKey: "s-9", session: { id: 1 } }, "s-9"],
		[{ unit: "session" }, { targetingKey: "s-9", session: "" }, undefined],
		[{ unit: "request" }, { request: Number.NaN }, undefined],
		[{ unit: "attribute", unitAttribute: "accountId" }, context, "acme"],
		[{ unit: "attribute", unitAttribute: "accountId" }, { accountId: 12 }, "12"],
		[{ unit: "attribute", unitAttribute: "accountId" }, { targetingKey: "acme" }, "acme"],
		[{ unit: "attribute", unitAttribute: "accountId" }, {}, undefined],
	])("of %o in %o is %o", async (unit, given, expected) => {
		const { unitId, details } = await unitOf(unit, given);
		expect(unitId).toBe(expected);
		expect(details.flagMetadata["armspan.reason"]).toBe(expected ? "split" : "no-unit");
		if (expected === undefined) return;
		// What telemetry takes for the context's id is the id that was hashed.
		const contextId = details.flagMetadata.contextId ?? (given as { targetingKey?: string }).targetingKey;
		expect(contextId).toBe(expected);
	});

	it("takes the targeting key for a user's id only, when told so", async () => {
		expect((await unitOf({ unit: "user" }, { targetingKey: "u-1" }, "user")).unitId).toBe("u-1");
		const session = await unitOf({ unit: "session" }, { targetingKey: "u-1" }, "user");
		expect(session.unitId).toBeUndefined();
		expect(session.details).toMatchObject({ variant: "default", flagMetadata: { "armspan.reason": "no-unit" } });
		const account = await unitOf({ unit: "attribute", unitAttribute: "accountId" }, { targetingKey: "u-1" }, "user");
		expect(account.unitId).toBeUndefined();
	});

	it("audiences see texts, numbers and booleans, and nothing else of the context", async () => {
		const experiment = sampleExperiment({ audience: [{ attribute: "country", in: ["CH"] }] });
		const client = await clientOf(
			new ArmspanProvider({ source: new ManualSource(bundleOf({ experiments: [experiment] })).open }),
		);
		const reasonFor = async (country: unknown) =>
			(await client.getStringDetails("support-reply", "", { targetingKey: "u-1", country } as never)).flagMetadata[
				"armspan.reason"
			];
		expect(await reasonFor("CH")).toBe("split");
		for (const other of ["DE", null, ["CH"], { CH: true }, new Date(0), undefined]) {
			expect(await reasonFor(other)).toBe("audience");
		}
	});
});

describe("life cycle", () => {
	it("is not ready without a bundle, says why, and becomes ready when one comes", async () => {
		const source = new ManualSource();
		const domain = newDomain();
		const seen = eventsOf(domain);
		const provider = new ArmspanProvider({ source: source.open, readyTimeoutMs: 1 });
		await expect(OpenFeature.setProviderAndWait(domain, provider)).rejects.toThrow(/no routing bundle after 1 ms/);
		const client = OpenFeature.getClient(domain);
		expect(client.providerStatus).toBe(ProviderStatus.ERROR);
		expect(await client.getStringDetails("support-reply", "mine")).toMatchObject({
			value: "mine",
			reason: "ERROR",
			errorCode: ErrorCode.PROVIDER_NOT_READY,
		});
		source.refuse("routing.json is torn");
		source.change(bundleOf());
		expect(client.providerStatus).toBe(ProviderStatus.READY);
		expect(await client.getStringValue("support-reply", "mine", { targetingKey: "u-17" })).toBe("1.1.0");
		await vi.waitFor(() =>
			expect(seen.map(({ event }) => event)).toEqual(["PROVIDER_ERROR", "PROVIDER_ERROR", "PROVIDER_READY"]),
		);
		expect(seen[1]?.details?.message).toBe("routing.json is torn");
	});

	it("waits for a first bundle that comes late", async () => {
		const source = new ManualSource();
		const domain = newDomain();
		const setting = OpenFeature.setProviderAndWait(domain, new ArmspanProvider({ source: source.open }));
		const client = OpenFeature.getClient(domain);
		expect(client.providerStatus).toBe(ProviderStatus.NOT_READY);
		source.change(bundleOf());
		await setting;
		expect(client.providerStatus).toBe(ProviderStatus.READY);
	});

	it("tells which flags changed: the flag itself, or a layer or holdout that it refers to", async () => {
		const experiment = sampleExperiment({ layer: "chat" });
		const environment = (share: number) => ({ layers: { chat: { slots: { polite: share } } } });
		const source = new ManualSource(bundleOf({ experiments: [experiment], environment: environment(0.4) }));
		const domain = newDomain();
		const seen = eventsOf(domain);
		await clientOf(new ArmspanProvider({ source: source.open }), domain);
		source.change(bundleOf({ revision: 2, experiments: [experiment], environment: environment(0.5) }));
		source.change(
			bundleOf({
				revision: 3,
				experiments: [experiment],
				environment: { ...environment(0.5), prompts: { "support-reply": "1.0.0", summary: "2.1.0" } },
			}),
		);
		await vi.waitFor(() => expect(seen.map(({ event }) => event)).toHaveLength(3));
		const changes = seen.filter(({ event }) => event === "PROVIDER_CONFIGURATION_CHANGED");
		expect(changes.map(({ details }) => details)).toMatchObject([
			{ flagsChanged: ["support-reply"], metadata: { flagSetId: "armspan/production", version: "2", revision: 2 } },
			{ flagsChanged: ["summary"], metadata: { revision: 3 } },
		]);
	});

	it("is stale while the source has a problem, answers from the last good bundle, and recovers", async () => {
		vi.useFakeTimers();
		try {
			const source = new ManualSource(bundleOf());
			const domain = newDomain();
			const seen = eventsOf(domain);
			const errors: Error[] = [];
			const client = await clientOf(
				new ArmspanProvider({ source: source.open, onError: (error) => errors.push(error) }),
				domain,
			);
			source.refuse("revision 3 is not above 7");
			expect(client.providerStatus).toBe(ProviderStatus.STALE);
			expect(await client.getStringDetails("support-reply", "mine", { targetingKey: "u-17" })).toMatchObject({
				value: "1.1.0",
				variant: "polite.polite",
				reason: "STALE",
				flagMetadata: { "armspan.reason": "split" },
			});
			expect(errors.map(({ message }) => message)).toEqual(["revision 3 is not above 7"]);
			source.problem = undefined;
			await vi.advanceTimersByTimeAsync(1_000);
			expect(client.providerStatus).toBe(ProviderStatus.READY);
			expect(seen.map(({ event }) => event)).toEqual(["PROVIDER_READY", "PROVIDER_STALE", "PROVIDER_READY"]);
			expect(vi.getTimerCount()).toBe(0);
		} finally {
			vi.useRealTimers();
		}
	});

	it("says CACHED of a bundle that an earlier run has kept, until the source has one", async () => {
		const source = new ManualSource(bundleOf());
		source.isFromCache = true;
		const client = await clientOf(new ArmspanProvider({ source: source.open }));
		const reason = async () => (await client.getStringDetails("support-reply", "", { targetingKey: "u-17" })).reason;
		expect(await reason()).toBe("CACHED");
		source.isFromCache = false;
		expect(await reason()).toBe("SPLIT");
	});

	it("closes its source at shutdown, once; then it is not ready", async () => {
		const source = new ManualSource(bundleOf());
		const provider = new ArmspanProvider({ source: source.open });
		await clientOf(provider);
		await OpenFeature.close();
		expect(source.closed).toBe(1);
		await provider.onClose();
		expect(source.closed).toBe(1);
		await expect(provider.resolveStringEvaluation("support-reply", "", {})).rejects.toMatchObject({
			code: ErrorCode.PROVIDER_NOT_READY,
		});
		// What a closed source still says reaches nobody.
		source.change(bundleOf({ revision: 2 }));
		await expect(provider.resolveStringEvaluation("support-reply", "", {})).rejects.toMatchObject({
			code: ErrorCode.PROVIDER_NOT_READY,
		});
	});

	it("does not leave initialize waiting when it is closed meanwhile", async () => {
		const provider = new ArmspanProvider({ source: new ManualSource().open });
		const initialized = provider.initialize();
		await provider.onClose();
		await expect(initialized).rejects.toMatchObject({ code: ErrorCode.PROVIDER_NOT_READY });
	});

	it("can be swapped for another, and set again", async () => {
		const [one, two] = [new ManualSource(bundleOf()), new ManualSource(bundleOf({ halted: new Set(["polite#1"]) }))];
		const domain = newDomain();
		const provider = new ArmspanProvider({ source: one.open });
		const client = await clientOf(provider, domain);
		const version = () => client.getStringValue("support-reply", "none", { targetingKey: "u-17" });
		expect(await version()).toBe("1.1.0");
		await clientOf(new ArmspanProvider({ source: two.open }), domain);
		expect(await version()).toBe("1.0.0");
		await vi.waitFor(() => expect(one.closed).toBe(1));
		await clientOf(provider, domain);
		expect(await version()).toBe("1.1.0");
		expect(one.opened).toBe(2);
		await vi.waitFor(() => expect(two.closed).toBe(1));
	});

	it("serves domains of its own: two providers, and one provider for two domains", async () => {
		const halted = new ManualSource(bundleOf({ halted: new Set(["polite#1"]) }));
		const shared = new ManualSource(bundleOf());
		const provider = new ArmspanProvider({ source: shared.open });
		const clients = [
			await clientOf(provider),
			await clientOf(provider),
			await clientOf(new ArmspanProvider({ source: halted.open })),
		];
		const versions = await Promise.all(
			clients.map((client) => client.getStringValue("support-reply", "none", { targetingKey: "u-17" })),
		);
		expect(versions).toEqual(["1.1.0", "1.1.0", "1.0.0"]);
		expect(shared.opened).toBe(1);
	});

	it("runs the application's hooks around an evaluation, with the provider's name and the merged context", async () => {
		const client = await clientOf(new ArmspanProvider({ source: new ManualSource(bundleOf()).open }));
		const stages: string[] = [];
		client.addHooks({
			before: ({ context, providerMetadata }) => {
				stages.push(`before ${providerMetadata.name}`);
				return { ...context, targetingKey: "u-17" };
			},
			after: (_context, { variant }) => void stages.push(`after ${variant}`),
			error: (_context, error) => void stages.push(`error ${(error as { code?: string }).code}`),
			finally: (_context, { reason }) => void stages.push(`finally ${reason}`),
		});
		await client.getObjectValue("support-reply", {});
		await client.getBooleanValue("support-reply", false);
		expect(stages).toEqual([
			"before armspan",
			"after polite.polite",
			"finally SPLIT",
			"before armspan",
			"error TYPE_MISMATCH",
			"finally ERROR",
		]);
	});
});

describe("tracking", () => {
	it("hands the event over with the assignment of the prompt that it names", async () => {
		const events: TrackedEvent[] = [];
		const client = await clientOf(
			new ArmspanProvider({ source: new ManualSource(bundleOf()).open, onTrack: (event) => events.push(event) }),
		);
		client.track("feedback", { targetingKey: "u-17" }, { value: 1, prompt: "support-reply", comment: "thanks" });
		client.track("conversion", { targetingKey: "u-17" });
		client.track("feedback", { targetingKey: "u-17" }, { prompt: "no-such-prompt" });
		expect(events).toMatchObject([
			{
				name: "feedback",
				value: 1,
				unitId: "u-17",
				details: { comment: "thanks" },
				assignment: { flagVariant: "polite.polite", version: "1.1.0", enrolled: true },
			},
			{ name: "conversion", value: undefined, assignment: undefined, details: {} },
			{ name: "feedback", assignment: undefined },
		]);
	});

	it("never throws into the application, and works before there is a bundle", async () => {
		const errors: Error[] = [];
		const provider = new ArmspanProvider({
			source: new ManualSource().open,
			onTrack: () => {
				throw new Error("exporter is down");
			},
			onError: (error) => errors.push(error),
		});
		provider.track("feedback", { targetingKey: "u-17" }, { value: 1, prompt: "support-reply" });
		expect(errors.map(({ message }) => message)).toEqual(["exporter is down"]);
	});
});

describe("from a folder", () => {
	let folder = "";
	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), "armspan-openfeature-"));
	});
	afterEach(() => rmSync(folder, { recursive: true, force: true }));

	it("follows the bundle that is written there, and keeps the last good one when it is torn", async () => {
		await writeBundle(folder, compileBundle(sampleInput()));
		const domain = newDomain();
		const seen = eventsOf(domain);
		const client = await clientOf(new ArmspanProvider({ source: folder }), domain);
		const version = () => client.getStringValue("support-reply", "none", { targetingKey: "u-17" });
		expect(await version()).toBe("1.1.0");
		await writeBundle(folder, compileBundle(sampleInput({ revision: 2, halted: new Set(["polite#1"]) })));
		await vi.waitFor(async () => expect(await version()).toBe("1.0.0"), 10_000);
		writeFileSync(join(folder, "next.json"), "{");
		renameSync(join(folder, "next.json"), join(folder, "routing.json"));
		await vi.waitFor(() => expect(client.providerStatus).toBe(ProviderStatus.STALE), 10_000);
		expect(await version()).toBe("1.0.0");
		expect(seen.find(({ event }) => event === "PROVIDER_CONFIGURATION_CHANGED")?.details).toMatchObject({
			flagsChanged: ["support-reply"],
		});
	});

	it("or from any source of the router's: a watched folder with options, a bundle over HTTP with its cache", async () => {
		const [routing, cacheDirectory] = [join(folder, "routing"), join(folder, "cache")];
		await writeBundle(routing, compileBundle(sampleInput()));
		const watched = await clientOf(
			new ArmspanProvider({ source: (events) => new BundleWatcher(routing, { ...events, cacheDirectory }) }),
		);
		expect(await watched.getStringDetails("support-reply", "", { targetingKey: "u-17" })).toMatchObject({
			value: "1.1.0",
			reason: "SPLIT",
		});
		await vi.waitFor(() => readBundle(cacheDirectory), 10_000);
		// Nobody listens on port 9, so what the watcher has kept answers.
		const url = "http://127.0.0.1:9";
		const fetched = await clientOf(
			new ArmspanProvider({ source: (events) => new HttpBundleSource(url, { ...events, cacheDirectory }) }),
		);
		const details = await fetched.getStringDetails("support-reply", "", { targetingKey: "u-17" });
		expect(details.value).toBe("1.1.0");
		expect(["CACHED", "STALE"]).toContain(details.reason);
	});

	it.each([
		["a folder", () => folder],
		["a source of the application's", () => (events: FlagSourceEvents) => new BundleWatcher(folder, { ...events })],
	])("takes bundles of the environment that is named only: %s", async (_, source) => {
		await writeBundle(folder, compileBundle(sampleInput({ environmentName: "staging" })));
		const errors: string[] = [];
		const provider = new ArmspanProvider({
			...{ source: source(), environment: "production", readyTimeoutMs: 20 },
			onError: ({ message }) => errors.push(message),
		});
		await expect(OpenFeature.setProviderAndWait(newDomain(), provider)).rejects.toThrow(
			"this reader of armspan/production",
		);
		expect(errors).toEqual([expect.stringContaining("it is of armspan/staging")]);
		await provider.onClose();
	});

	it("waits for a folder that does not exist yet", async () => {
		const missing = join(folder, "later");
		const setting = OpenFeature.setProviderAndWait(newDomain(), new ArmspanProvider({ source: missing }));
		mkdirSync(missing);
		await writeBundle(missing, compileBundle(sampleInput()));
		await setting;
	});
});
