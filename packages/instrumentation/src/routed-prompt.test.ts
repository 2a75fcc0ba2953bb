import { createHmac } from "node:crypto";
import { context, trace } from "@opentelemetry/api";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Armspan, createArmspan } from "./armspan.ts";
import { startSpan } from "./fixtures/recording-span.ts";
import { writeSupportBundle } from "./fixtures/support-bundle.ts";
import { recordTelemetry } from "./fixtures/telemetry.ts";

const telemetry = recordTelemetry();
const variables = { question: "Why?" };
const EXPOSURE = "feature_flag.evaluation";
const EVALUATION = "gen_ai.evaluation.result";
let directory: string;
let armspan: Armspan;

beforeAll(async () => {
	directory = await writeSupportBundle();
});
beforeEach(() => {
	telemetry.events.length = 0;
	armspan?.close();
	armspan = createArmspan({ routingDirectory: directory });
});
afterAll(() => armspan.close());

const route = (user: string) => armspan.prompt("support-reply", { user, variables });

async function readAll<Item>(source: AsyncIterable<Item>): Promise<Item[]> {
	const items: Item[] = [];
	for await (const item of source) items.push(item);
	return items;
}

describe("run", () => {
	it("tags a span that is started inside, and none outside", () => {
		const routed = route("u1");
		expect(routed.run(() => startSpan()).attributes).toEqual({
			"gen_ai.operation.name": "chat",
			"gen_ai.prompt.name": "support-reply",
			"gen_ai.prompt.version": routed.version,
			"feature_flag.key": "support-reply",
			"feature_flag.result.variant": `polite.${routed.variant}`,
			"armspan.experiment": "polite",
			"armspan.iteration": 1,
			"armspan.enrolled": true,
			"armspan.unit.type": "user",
			"armspan.unit.id": "u1",
			"armspan.prompt.digest": expect.stringMatching(/^[0-9a-f]{64}$/),
			"armspan.routing.revision": 7,
		});
		expect(startSpan().attributes).toEqual({ "gen_ai.operation.name": "chat" });
	});

	it("puts no experiment on the spans of a unit that is not enrolled", () => {
		const { attributes } = armspan.prompt("lonely", { user: "u1", variables }).run(() => startSpan());
		expect(attributes).toMatchObject({ "armspan.enrolled": false, "feature_flag.result.variant": "default" });
		expect(attributes).not.toHaveProperty("armspan.experiment");
		expect(attributes).not.toHaveProperty("armspan.iteration");
	});

	it("returns and throws exactly what the function does", async () => {
		const routed = route("u1");
		const value = { a: 1 };
		const promise = Promise.resolve(value);
		const error = new Error("mine");
		expect(routed.run(() => value)).toBe(value);
		expect(routed.run(() => promise)).toBe(promise);
		expect(() =>
			routed.run(() => {
				throw error;
			}),
		).toThrow(error);
		await expect(routed.run(() => Promise.reject(error))).rejects.toBe(error);
	});

	it("does not wait for a lazy promise", () => {
		let waited = false;
		const lazy = new Proxy(Promise.resolve(), {
			get(target, key) {
				waited ||= key === "then";
				return Reflect.get(target, key);
			},
		});
		expect(route("u1").run(() => lazy)).toBe(lazy);
		expect(waited).toBe(false);
	});

	it("can be taken out of the object", () => {
		const { run, feedback, score, convert } = route("u1");
		expect(run(() => startSpan().attributes["armspan.unit.id"])).toBe("u1");
		feedback({ score: 1 });
		score("judge", 3.5);
		convert();
		expect(telemetry.named(EVALUATION)).toHaveLength(3);
	});

	it("keeps concurrent calls apart", async () => {
		const users = Array.from({ length: 100 }, (_, index) => `c${index}`);
		const spans = await Promise.all(
			users.map((user) =>
				route(user).run(async () => {
					for (let step = 0; step < 5; step++) await Promise.resolve();
					return startSpan().attributes["armspan.unit.id"];
				}),
			),
		);
		expect(spans).toEqual(users);
	});

	it("lets the inner of two nested calls win", () => {
		const inner = route("outer").run(() => route("inner").run(() => startSpan()));
		expect(inner.attributes["armspan.unit.id"]).toBe("inner");
	});

	it("tags spans of generators that are consumed outside", async () => {
		async function* late() {
			yield startSpan().attributes["armspan.unit.id"];
			await Promise.resolve();
			yield startSpan().attributes["armspan.unit.id"];
		}
		const generator = route("g1").run(late);
		expect(await readAll(generator)).toEqual(["g1", "g1"]);
		expect(context.active().getValue(Symbol.for("armspan.call"))).toBeUndefined();
	});
});

describe("exposure", () => {
	it("is reported at the first use of each unit, with the whole assignment", () => {
		route("u1");
		expect(telemetry.events).toEqual([]);
		route("u1").run(() => 1);
		route("u1").run(() => 1);
		route("u2").run(() => 1);
		const exposures = telemetry.named(EXPOSURE);
		expect(exposures.map((one) => one["feature_flag.context.id"])).toEqual(["u1", "u2"]);
		expect(exposures[0]).toMatchObject({
			"feature_flag.key": "support-reply",
			"feature_flag.result.reason": "split",
			"feature_flag.provider.name": "armspan",
			"feature_flag.set.id": "armspan/test",
			"feature_flag.version": "7",
			"armspan.experiment": "polite",
			"armspan.unit.id": "u1",
			"armspan.event.id": expect.stringMatching(/^[0-9a-f-]{36}$/),
		});
	});

	it("carries the segments that the experiment names, as they were when the call was routed", () => {
		const attributes = { plan: "pro", country: "a sentence that nobody meant to send", email: "ada@example.org" };
		const routed = armspan.prompt("support-reply", { user: "u9", attributes, variables });
		attributes.plan = "free";
		const span = routed.run(() => startSpan());
		routed.score("tone", 1);
		const [exposure] = telemetry.named(EXPOSURE);
		expect(exposure).toMatchObject({ "armspan.segment.plan": "pro" });
		const others = [span.attributes, telemetry.events.at(-1)?.attributes ?? {}, exposure ?? {}];
		const reported = others.flatMap((of) => Object.keys(of).filter((key) => key.startsWith("armspan.segment.")));
		expect(reported).toEqual(["armspan.segment.plan"]);
	});

	it("is not reported for a unit that is not enrolled", () => {
		armspan.prompt("lonely", { user: "u1", variables }).run(() => 1);
		expect(telemetry.named(EXPOSURE)).toEqual([]);
	});
});

describe("evaluations", () => {
	it("carry the assignment and hang on the LLM span", () => {
		const routed = route("u1");
		const { llm } = routed.run(() => ({ http: startSpan({ "http.request.method": "GET" }), llm: startSpan() }));
		routed.run(() => startSpan());
		routed.feedback({ score: 1, label: "thumbs-up", explanation: "kind" });
		const event = telemetry.events.at(-1);
		expect(event?.eventName).toBe(EVALUATION);
		expect(event?.attributes).toMatchObject({
			"gen_ai.evaluation.name": "feedback",
			"gen_ai.evaluation.score.value": 1,
			"gen_ai.evaluation.score.label": "thumbs-up",
			"gen_ai.evaluation.explanation": "kind",
			"armspan.evaluation.kind": "feedback",
			"armspan.unit.id": "u1",
			"armspan.experiment": "polite",
			"armspan.event.id": expect.any(String),
		});
		expect(trace.getSpanContext(event!.context!)).toBe(llm.spanContext);
	});

	it("need no run before them: the assignment is the same in a later request", () => {
		route("u1").convert("purchase");
		expect(telemetry.named(EVALUATION)).toMatchObject([
			{
				"gen_ai.evaluation.name": "purchase",
				"gen_ai.evaluation.score.value": 1,
				"armspan.evaluation.kind": "conversion",
			},
		]);
		expect(telemetry.named(EXPOSURE)).toEqual([]);
	});

	it("that make no sense are counted and not sent", () => {
		const routed = route("u1");
		for (const score of [-0.01, 1.01, Number.NaN, Number.POSITIVE_INFINITY]) routed.feedback({ score });
		routed.score("judge", Number.NaN);
		routed.score("", 1);
		expect(telemetry.events).toEqual([]);
		expect(armspan.status().counters).toMatchObject({ evaluationsRejected: 6, evaluationsEmitted: 0 });
	});
});

describe("unit ids", () => {
	const unitIdsSeen = () => JSON.stringify(telemetry.events);

	it("are hashed with a key before they leave, and routed by the id itself", () => {
		const hashed = createArmspan({ routingDirectory: directory, unitKey: "secret" });
		const routed = hashed.prompt("support-reply", { user: "alice", variables });
		expect(routed.variant).toBe(route("alice").variant);
		const { attributes } = routed.run(() => startSpan());
		routed.feedback({ score: 1 });
		expect(attributes["armspan.unit.id"]).toBe(createHmac("sha256", "secret").update("alice").digest("hex"));
		expect(unitIdsSeen()).not.toContain("alice");
		expect(hashed.status().unitIds).toBe("hmac-sha256");
		hashed.close();
	});

	it("are withheld when the key is empty", () => {
		const withheld = createArmspan({ routingDirectory: directory, unitKey: "" });
		const { attributes } = withheld.prompt("support-reply", { user: "alice", variables }).run(() => startSpan());
		expect(attributes).not.toHaveProperty("armspan.unit.id");
		expect(attributes["armspan.experiment"]).toBe("polite");
		expect(unitIdsSeen()).not.toContain("alice");
		withheld.close();
	});
});
