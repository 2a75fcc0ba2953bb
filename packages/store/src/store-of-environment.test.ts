import { expect, test } from "vitest";
import type { Store } from "./store.ts";
import { storeOfEnvironment } from "./store-of-environment.ts";

/** A store that answers with what it was asked; its private field is read only through itself, as a class's is. */
class Asked {
	readonly #name = "the whole store";
	constructor() {
		for (const method of ["metricTotals", "lastCallStart", "violationWindows", "listDecisions", "appendDecision"]) {
			Object.assign(this, { [method]: async (argument: object) => argument });
		}
	}
	async counts() {
		return this.#name;
	}
}

const key = { experiment: "tone", iteration: 1, variant: "control" };
const store = new Asked() as unknown as Store;

test("reads and decisions are of the environment; one that was named is kept", async () => {
	const staging = storeOfEnvironment(store, "staging");
	expect(await staging.lastCallStart(key)).toEqual({ ...key, environment: "staging" });
	expect(await staging.listDecisions({})).toEqual({ environment: "staging" });
	expect(await staging.lastCallStart({ ...key, environment: "production" })).toMatchObject({
		environment: "production",
	});
	expect(await staging.appendDecision({ id: "x" } as never)).toEqual({ id: "x", environment: "staging" });
});

test("the rest is the whole store's", async () => {
	expect(await storeOfEnvironment(store, "staging").counts()).toBe("the whole store");
	expect(await store.lastCallStart(key)).toEqual(key);
});
