import { expect, it } from "vitest";
import { BoundedSet } from "./bounded-set.ts";

it("forgets the least recently used beyond its capacity", () => {
	const set = new BoundedSet(2);
	expect([set.add("a"), set.add("b"), set.add("a"), set.add("c")]).toEqual([true, true, false, true]);
	expect(set.size).toBe(2);
	expect(set.add("b")).toBe(true);
});

it("keeps what is used among ever new members, and never holds more than its capacity", () => {
	const set = new BoundedSet(10);
	set.add("always");
	for (let index = 0; index < 1000; index++) {
		expect(set.add("always")).toBe(false);
		expect(set.add(`new ${index}`)).toBe(true);
		expect(set.size).toBeLessThanOrEqual(10);
	}
});

it("forgets also when every member is in use", () => {
	const set = new BoundedSet(100);
	const names = Array.from({ length: 100 }, (_, index) => `${index}`);
	for (const name of [...names, ...names]) set.add(name);
	expect([set.add("new"), set.add("new"), set.size]).toEqual([true, false, 100]);
});

it("knows nothing of what was deleted", () => {
	const set = new BoundedSet(2);
	set.add("a");
	set.delete("a");
	expect([set.size, set.add("a")]).toEqual([0, true]);
});
