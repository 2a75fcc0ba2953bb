import { diag, trace } from "@opentelemetry/api";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Armspan, createArmspan } from "./armspan.ts";
import { writeSupportBundle } from "./fixtures/support-bundle.ts";
import { recordTelemetry } from "./fixtures/telemetry.ts";

const KEY = "0123456789abcdef0123456789abcdef";
const telemetry = recordTelemetry();
let routing: string;
let asked: Armspan;
/** Another process, as far as anybody can see. */
let answered: Armspan;

beforeAll(async () => {
	routing = await writeSupportBundle();
	asked = createArmspan({ routingDirectory: routing, referenceKey: KEY, unitKey: "pepper" });
	answered = createArmspan({ referenceKey: ["new key, new key, new key, new key!", KEY] });
});
afterAll(() => {
	asked.close();
	answered.close();
});
beforeEach(() => {
	telemetry.events.length = 0;
});

const ask = (user = "u1") => asked.prompt("support-reply", { user, variables: { question: "Where?" } });
const evaluations = () => telemetry.named("gen_ai.evaluation.result");

describe("feedback by reference", () => {
	it("says the same of the call as feedback on the spot, without the bundle, and without the raw unit id", () => {
		const routed = ask();
		const reference = routed.reference() ?? "";
		expect(reference).not.toContain("u1~");
		expect(answered.feedback(reference, { score: 1, label: "up" })).toBe(true);
		routed.feedback({ score: 1, label: "up" });
		const [far, near] = evaluations().map((attributes) => {
			const { "armspan.event.id": id, "armspan.prompt.digest": digest, ...rest } = attributes;
			expect(id).toEqual(expect.any(String));
			return rest;
		});
		expect(far).toEqual(near);
		expect(far).toMatchObject({ "armspan.experiment": "polite", "armspan.evaluation.kind": "feedback" });
	});

	it("belongs to the span of the call, whatever is active where it comes in", () => {
		const routed = ask();
		const span = { traceId: "1".repeat(32), spanId: "2".repeat(16), traceFlags: 1 };
		(routed as unknown as { spanStarted(context: typeof span, rank: number): void }).spanStarted(span, 2);
		expect(answered.score(routed.reference() ?? "", "judge", 0.5)).toBe(true);
		const [event] = telemetry.events;
		expect(trace.getSpanContext(event!.context!)).toMatchObject({ traceId: span.traceId, spanId: span.spanId });
	});

	it("counts a double click once, a change of mind in its place, and each order by its id", () => {
		const reference = ask().reference() ?? "";
		for (const score of [1, 1, 0]) answered.feedback(reference, { score });
		answered.conversion(reference);
		for (const id of ["order-1", "order-1", "order-2"]) answered.conversion(reference, "purchase", { id });
		// The same order, reported through another answer to the same user.
		answered.conversion(ask().reference({ expiresInMs: 5000 }) ?? "", "purchase", { id: "order-2" });
		const ids = evaluations().map((attributes) => attributes["armspan.event.id"]);
		expect(ids).toHaveLength(8);
		expect(new Set(ids).size).toBe(4);
	});

	it("counts every feedback of the call's own method, but for an id", () => {
		const routed = ask();
		routed.feedback({ score: 1 });
		routed.feedback({ score: 1 });
		routed.score("judge", 1, { id: "a" });
		routed.score("judge", 1, { id: "a" });
		expect(new Set(evaluations().map((attributes) => attributes["armspan.event.id"])).size).toBe(3);
	});

	it("refuses what is forged, and counts it, without a word thrown", () => {
		const reference = ask().reference() ?? "";
		const stranger = createArmspan({ referenceKey: "another key, another key, another key" });
		const keyless = createArmspan({});
		const weak = createArmspan({ referenceKey: "short" });
		for (const armspan of [stranger, keyless, weak]) {
			expect(armspan.feedback(reference, { score: 1 })).toBe(false);
			expect(armspan.status().counters.referencesRefused).toBe(1);
		}
		expect(answered.feedback(reference.replace("support-reply", "other"), { score: 1 })).toBe(false);
		for (const value of [undefined, null, 7, {}, "", "ar1~"]) {
			expect(answered.conversion(value as unknown as string)).toBe(false);
		}
		expect(answered.feedback(reference, { score: 7 })).toBe(false);
		expect(answered.feedback(reference, undefined as never)).toBe(false);
		expect(answered.conversion(reference, "purchase", { id: "" })).toBe(false);
		expect(evaluations()).toEqual([]);
	});

	it("warns once of keys that are too short, and says once that there are no references", () => {
		const warn = vi.fn();
		const ignore = () => {};
		diag.setLogger(
			{ warn, error: ignore, info: ignore, debug: ignore, verbose: ignore },
			{ suppressOverrideMessage: true },
		);
		try {
			const weak = createArmspan({ routingDirectory: routing, referenceKey: ["short", "short, too"] });
			expect(warn.mock.calls).toEqual([[expect.stringContaining("shorter than 32 characters: it is not used")]]);
			for (let call = 0; call < 3; call++) {
				expect(weak.prompt("support-reply", { user: "u1", variables: { question: "?" } }).reference()).toBeUndefined();
			}
			weak.close();
		} finally {
			diag.disable();
		}
		expect(warn.mock.calls.slice(1)).toEqual([[expect.stringContaining("no references: set ARMSPAN_REFERENCE_KEY")]]);
	});

	it("signs with a key given in code that contains commas", () => {
		const key = "one, two, three, four, five, six, seven";
		const signing = createArmspan({ routingDirectory: routing, referenceKey: key });
		const reference = signing.prompt("support-reply", { user: "u1" }).reference();
		expect(signing.feedback(reference ?? "", { score: 1 })).toBe(true);
		signing.close();
	});

	it("has no reference without a key, for an unrouted call, and for a shadow's answer", () => {
		const keyless = createArmspan({ routingDirectory: routing, referenceKey: "" });
		expect(keyless.prompt("support-reply", { user: "u1" }).reference()).toBeUndefined();
		expect(asked.prompt("unknown", { user: "u1" }).reference()).toBeUndefined();
		keyless.close();
	});
});

it("tags the user of a prompt without an experiment, masked alike in every process with the key", () => {
	const other = createArmspan({ routingDirectory: routing, referenceKey: KEY, unitKey: "pepper" });
	const of = (armspan: Armspan) => armspan.prompt("lonely", { user: "u1", variables: { question: "?" } });
	for (const armspan of [asked, other]) of(armspan).feedback({ score: 1 });
	const [first, second] = evaluations();
	expect(first).toMatchObject({
		"armspan.unit.type": "user",
		"armspan.unit.id": expect.stringMatching(/^[0-9a-f]{64}$/),
	});
	expect(second?.["armspan.unit.id"]).toBe(first?.["armspan.unit.id"]);
	other.close();
});
