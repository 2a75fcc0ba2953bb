import { expect, it } from "vitest";
import { Backoff } from "./backoff.ts";

const waits = (random: () => number, count = 12) => {
	const backoff = new Backoff(500, 30_000, random);
	return Array.from({ length: count }, () => backoff.nextMs());
};

it("may wait twice as long after each failure, up to the cap, and never for nothing", () => {
	expect(waits(() => 1, 8)).toEqual([550, 1050, 2050, 4050, 8050, 16_050, 30_050, 30_050]);
	expect(waits(() => 0)).toEqual(Array.from({ length: 12 }, () => 50));
});

it("stays finite for ever, and begins anew after a success", () => {
	const backoff = new Backoff(500, 30_000, () => 1);
	for (let failure = 0; failure < 5_000; failure++) expect(backoff.nextMs()).toBeLessThanOrEqual(30_050);
	backoff.reset();
	expect(backoff.nextMs()).toBe(550);
});
