import { expect, it } from "vitest";
import { BoundedSet } from "./bounded-set.ts";

it("forgets the least recently used beyond its capacity", () => {
	const set = new BoundedSet(2);
	expect([set.add("a"), set.add("b"), set.add("a"), set.add("c")]).toEqual([true, true, false, true]);
	expect(set.size).toBe(2);
	expect(set.add("b")).toBe(true);
});
