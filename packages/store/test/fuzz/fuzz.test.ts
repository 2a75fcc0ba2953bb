import { expect, test } from "vitest";
import { checkBody } from "./check-body.ts";
import { fuzzBody } from "./fuzz-body.ts";
import { minimize } from "./minimize.ts";
import { Random } from "./random.ts";

test("whatever bodies come, every way to decode them agrees and throws nothing but our own error", () => {
	const outcomes = { accepted: 0, partial: 0, refused: 0 };
	let references = 0;
	for (let index = 0; index < 20_000; index++) {
		const made = fuzzBody(7, index);
		const { outcome, reference } = checkBody(made, { thorough: index % 16 === 0, differential: index % 61 === 0 });
		outcomes[outcome] += 1;
		if (reference === "agrees") references += 1;
	}
	// otherwise the grammar makes nothing any more that says anything
	expect(Math.min(outcomes.accepted, outcomes.partial, outcomes.refused)).toBeGreaterThan(500);
	expect(references).toBeGreaterThan(50);
}, 120_000);

test("a body can be made again from its seed and index alone", () => {
	const made = [3, 40, 41, 79_999].map((index) => fuzzBody(7, index).body.toString("hex"));
	expect([79_999, 41, 40, 3].map((index) => fuzzBody(7, index).body.toString("hex")).reverse()).toEqual(made);
	expect(new Set([1, 2, 3].map((seed) => new Random(seed, 0).next())).size).toBe(3);
});

test("a failing body is made as small as it can be", () => {
	const body = Buffer.from(`${"x".repeat(5000)}needle${"y".repeat(3000)}`);
	expect(minimize(body, (smaller) => smaller.includes("needle")).toString()).toBe("needle");
});
