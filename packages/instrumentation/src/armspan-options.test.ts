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

const KEY = "one, two, three, four, five, six, seven";
const OTHER = "k".repeat(32);

it("splits reference keys at commas in the environment only", () => {
	const inCode = (referenceKey: string | readonly string[]) =>
		resolveOptions({ referenceKey }, { ARMSPAN_REFERENCE_KEY: OTHER });
	expect(inCode(KEY)).toMatchObject({ referenceKeys: [KEY], referenceKeyUnusable: false });
	expect(inCode([KEY, OTHER])).toMatchObject({ referenceKeys: [KEY, OTHER], referenceKeyUnusable: false });
	expect(resolveOptions({}, { ARMSPAN_REFERENCE_KEY: `${OTHER},${OTHER}2` })).toMatchObject({
		referenceKeys: [OTHER, `${OTHER}2`],
		referenceKeyUnusable: false,
	});
});

it.each([["short"], [""], [["short", OTHER]], [7]])("takes no reference key that is too short: %j", (given) => {
	const referenceKey = given as string;
	expect(resolveOptions({ referenceKey }, { ARMSPAN_REFERENCE_KEY: OTHER })).toMatchObject({
		referenceKeys: Array.isArray(given) ? [OTHER] : [],
		referenceKeyUnusable: true,
	});
});
