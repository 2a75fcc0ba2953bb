import { expect, test } from "vitest";
import { within } from "./within.ts";

test("an answer in time is passed on, a failure too, silence is a failure", async () => {
	expect(await within(60_000, Promise.resolve("one"))).toBe("one");
	await expect(within(60_000, Promise.reject(new Error("refused")))).rejects.toThrow("refused");
	await expect(within(1, new Promise(() => undefined))).rejects.toThrow("no answer within 1 ms");
});
