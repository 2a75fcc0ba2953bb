import fc from "fast-check";
import { expect, it } from "vitest";
import { ShadowBudget } from "./shadow-budget.ts";

it("never starts more than the limit in any minute, and nearly as many when asked all the time", () => {
	fc.assert(
		fc.property(
			fc.integer({ min: 1, max: 300 }),
			fc.array(fc.integer({ min: 0, max: 4000 }), { minLength: 1, maxLength: 300 }),
			(maxCallsPerMinute, gapsMs) => {
				let nowMs = 0;
				const limits = { maxConcurrent: 1, maxCallsPerMinute };
				const budget = new ShadowBudget(limits, () => nowMs);
				const startsMs: number[] = [];
				for (const gapMs of gapsMs) {
					nowMs += gapMs;
					for (let call = 0; call < 20; call++) {
						if (!budget.take(limits)) continue;
						startsMs.push(nowMs);
						budget.release();
					}
				}
				for (const [index, startMs] of startsMs.entries()) {
					const before = startsMs[index - maxCallsPerMinute];
					if (before !== undefined) expect(startMs - before).toBeGreaterThanOrEqual(59_999);
				}
			},
		),
	);
	let nowMs = 0;
	const limits = { maxConcurrent: 1, maxCallsPerMinute: 60 };
	const budget = new ShadowBudget(limits, () => nowMs);
	let started = 0;
	for (; nowMs < 600_000; nowMs += 100) {
		if (!budget.take(limits)) continue;
		started++;
		budget.release();
	}
	expect(started).toBeGreaterThan(540);
	expect(started).toBeLessThanOrEqual(600);
});

it("follows limits that change", () => {
	const budget = new ShadowBudget({ maxConcurrent: 1, maxCallsPerMinute: 1000 }, () => 0);
	expect(budget.take({ maxConcurrent: 1, maxCallsPerMinute: 1000 })).toBe(true);
	expect(budget.take({ maxConcurrent: 1, maxCallsPerMinute: 1000 })).toBe(false);
	expect(budget.take({ maxConcurrent: 2, maxCallsPerMinute: 1000 })).toBe(true);
	expect(budget.take({ maxConcurrent: 100, maxCallsPerMinute: 1 })).toBe(true);
	expect(budget.take({ maxConcurrent: 100, maxCallsPerMinute: 1 })).toBe(false);
});
