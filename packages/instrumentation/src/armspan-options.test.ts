import { expect, it } from "vitest";
import { resolveOptions } from "./armspan-options.ts";

const ENVIRONMENT = {
	ARMSPAN_ROUTING: "/folder",
	ARMSPAN_ROUTING_URL: "https://armspan.example",
	ARMSPAN_ROUTING_TOKEN: "token",
	ARMSPAN_ROUTING_PUBLIC_KEY: "key",
	ARMSPAN_ROUTING_CACHE: "/cache",
	ARMSPAN_ENVIRONMENT: "production",
};

it("reads the environment where the code says nothing", () => {
	expect(resolveOptions(undefined, ENVIRONMENT)).toMatchObject({
		routingDirectory: "/folder",
		routingUrl: "https://armspan.example",
		routingToken: "token",
		routingPublicKeys: ["key"],
		routingCache: "/cache",
		environment: "production",
		unknown: [],
		pollMs: undefined,
	});
	expect(resolveOptions({}, {})).toMatchObject({ routingPublicKeys: undefined, routingUrl: undefined });
});

it("takes the source that the code names, and not the other kind from the environment", () => {
	expect(resolveOptions({ routingDirectory: "/mine" }, ENVIRONMENT)).toMatchObject({
		routingDirectory: "/mine",
		routingUrl: undefined,
	});
	expect(resolveOptions({ routingUrl: "https://mine.example" }, ENVIRONMENT)).toMatchObject({
		routingDirectory: undefined,
		routingUrl: "https://mine.example",
	});
});

it("does not take an empty key for none", () => {
	expect(resolveOptions({}, { ARMSPAN_ROUTING_PUBLIC_KEY: "" }).routingPublicKeys).toEqual([""]);
	expect(resolveOptions({ routingPublicKeys: [] }, {}).routingPublicKeys).toEqual([]);
});

it("names what is no option", () => {
	const misspelt = { routingDirectry: "/mine", environment: "staging", pollMs: 20 };
	expect(resolveOptions(misspelt, ENVIRONMENT)).toMatchObject({ unknown: ["routingDirectry"], environment: "staging" });
});
