import {
	context,
	propagation,
	ROOT_CONTEXT,
	type Span,
	SpanKind,
	type TextMapPropagator,
	trace,
} from "@opentelemetry/api";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Armspan, createArmspan } from "./armspan.ts";
import { callOf } from "./call-context.ts";
import { writeSupportBundle } from "./fixtures/support-bundle.ts";
import { recordTelemetry } from "./fixtures/telemetry.ts";

const KEY = "0123456789abcdef0123456789abcdef";
const HOSTS = ["*.internal.example", "billing.example", "*."];
recordTelemetry();
let upstream: Armspan;
let downstream: Armspan;

beforeAll(async () => {
	const routingDirectory = await writeSupportBundle();
	upstream = createArmspan({ routingDirectory, referenceKey: KEY, unitKey: "pepper", baggage: { hosts: HOSTS } });
	downstream = createArmspan({ referenceKey: KEY, baggage: { hosts: HOSTS } });
});
afterAll(() => {
	upstream.close();
	downstream.close();
});

const inCall = <T>(fn: () => T): T =>
	upstream.prompt("support-reply", { user: "u1", variables: { question: "?" } }).run(fn);
const headerFor = (url: string) => inCall(() => upstream.baggageFor(url)).baggage;
const received = (armspan: Armspan, header: string | undefined) =>
	armspan.withBaggage(header, () => callOf(context.active())?.attributes);

it("goes to the hosts that are named, and to no other", () => {
	for (const url of [
		"https://llm.internal.example/x",
		"http://a.b.INTERNAL.example:8080",
		"https://billing.example./",
	]) {
		expect(headerFor(url), url).toMatch(/^armspan=ab1~/);
	}
	for (const url of [
		"https://api.openai.com/v1",
		"https://internal.example",
		"https://evil-internal.example",
		"https://internal.example.evil.com",
		"https://evil.com/?x=.internal.example",
		"https://billing.example@evil.com",
		"https://evil.com#.internal.example",
		"not an address at all",
		"",
	]) {
		expect(headerFor(url), url).toBeUndefined();
	}
	expect(upstream.baggageFor("https://billing.example")).toEqual({});
	expect(inCall(() => createArmspan({ referenceKey: KEY }).baggageFor("https://billing.example"))).toEqual({});
	expect(
		inCall(() =>
			upstream.baggageFor({
				toString: () => {
					throw new Error("no");
				},
			} as never),
		),
	).toEqual({});
});

it("tags what the other service does, with the masked unit", () => {
	const header = `a=1, ${headerFor("https://billing.example")};p=1,b=2`;
	expect(received(downstream, header)).toMatchObject({
		"gen_ai.prompt.name": "support-reply",
		"armspan.experiment": "polite",
		"armspan.unit.id": expect.stringMatching(/^[0-9a-f]{64}$/),
	});
});

it("means nothing when it is forged, foreign, cut, a reference, or not asked for", () => {
	const header = headerFor("https://billing.example") ?? "";
	const reference = upstream.prompt("support-reply", { user: "u1" }).reference() ?? "";
	const before = downstream.status().counters.referencesRefused;
	const forged = [
		header.replace("polite", "rude"),
		header.slice(0, -1),
		`armspan=${encodeURIComponent(reference)}`,
		"armspan=ab1~9999999999~support-reply~1.0.0~polite.treatment~polite~1~user~u1~7~~~",
		"armspan=",
	];
	for (const one of forged) expect(received(downstream, one), one).toBeUndefined();
	expect(downstream.status().counters.referencesRefused).toBe(before + forged.length);
	expect(received(downstream, "armspan=%")).toBeUndefined();
	expect(received(createArmspan({ referenceKey: KEY }), header)).toBeUndefined();
	expect(received(createArmspan({ referenceKey: "f".repeat(32), baggage: { hosts: HOSTS } }), header)).toBeUndefined();
	expect(() =>
		downstream.withBaggage(header, () => {
			throw new Error("mine");
		}),
	).toThrow("mine");
});

/** As OpenTelemetry's own: every entry goes to everybody. */
const everywhere: TextMapPropagator<Record<string, string>> = {
	inject(active, carrier, setter) {
		const entries = propagation.getBaggage(active)?.getAllEntries() ?? [];
		const header = entries.map(([key, { value }]) => `${key}=${encodeURIComponent(value)}`).join(",");
		if (header !== "") setter.set(carrier, "baggage", header);
	},
	extract(active, carrier, getter) {
		const pairs = String(getter.get(carrier, "baggage"))
			.split(",")
			.map((pair) => pair.split("=") as [string, string]);
		return propagation.setBaggage(
			active,
			propagation.createBaggage(
				Object.fromEntries(pairs.map(([key, value]) => [key, { value: decodeURIComponent(value) }])),
			),
		);
	},
	fields: () => ["baggage"],
};
const setter = {
	set: (carrier: Record<string, string>, key: string, value: string) => void Object.assign(carrier, { [key]: value }),
};
const getter = { get: (carrier: Record<string, string>, key: string) => carrier[key], keys: Object.keys };

function injected(armspan: Armspan, kind: SpanKind, attributes: Record<string, string>, base = context.active()) {
	const carrier: Record<string, string> = {};
	const span = { kind, attributes } as unknown as Span;
	armspan.propagator(everywhere).inject(trace.setSpan(base, span), carrier, setter);
	return carrier.baggage;
}

it("rides with another propagator, where a client span says where the request goes, and not one hop too far", () => {
	const friend = { "url.full": "https://llm.internal.example/v1" };
	inCall(() => {
		const header = injected(upstream, SpanKind.CLIENT, friend);
		expect(header).toMatch(/^armspan=ab1/);
		expect(injected(upstream, SpanKind.CLIENT, { "server.address": "api.openai.com" })).toBeUndefined();
		expect(injected(upstream, SpanKind.SERVER, friend)).toBeUndefined();
		expect(injected(upstream, SpanKind.CLIENT, {})).toBeUndefined();

		const there = downstream.propagator(everywhere).extract(ROOT_CONTEXT, { baggage: `tenant=7,${header}` }, getter);
		expect(callOf(there)?.attributes["armspan.experiment"]).toBe("polite");
		expect(
			propagation
				.getBaggage(there)
				?.getAllEntries()
				.map(([key]) => key),
		).toEqual(["tenant"]);
		expect(injected(downstream, SpanKind.CLIENT, { "server.address": "api.openai.com" }, there)).toBe("tenant=7");
		expect(injected(downstream, SpanKind.CLIENT, friend, there)).toMatch(/^tenant=7,armspan=ab1/);
	});
});
