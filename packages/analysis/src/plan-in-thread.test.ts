import { expect, test } from "vitest";
import { planInThread } from "./plan-in-thread.ts";
import { type PowerPlanOptions, powerPlan } from "./power-plan.ts";

const options: PowerPlanOptions = {
	...{ experiment: "tone", metric: "latency", unit: "ms", source: { kind: "given" }, newUnitsPerDay: [400] },
	history: { kind: "mean", baseline: 850, variancePerUnit: 400 ** 2 },
	design: {
		...{ inference: "hybrid", alpha: 0.05, power: 0.8, minimumDetectableEffect: 0.05, direction: "decrease" },
		...{ weights: [1, 1], enrolledShare: 1, maturationDays: 0, plannedLooks: 5, plannedUnits: 4000 },
	},
};

test("the same plan, while this thread goes on", async () => {
	let turns = 0;
	let running = true;
	const turn = () => {
		turns += 1;
		if (running) setImmediate(turn);
	};
	turn();
	const plan = await planInThread(options);
	running = false;
	expect(plan).toEqual(powerPlan(options));
	// Blocked by the plan, it would have had a few turns before and after it.
	expect(turns).toBeGreaterThan(100);
});

test("several wait for each other, and one that fails keeps none back", async () => {
	const wrong = { ...options, design: { ...options.design, alpha: 7 } };
	const [first, failed, last] = await Promise.allSettled([options, wrong, options].map(planInThread));
	expect([first?.status, failed?.status, last?.status]).toEqual(["fulfilled", "rejected", "fulfilled"]);
	expect(failed).toMatchObject({ reason: { message: expect.stringMatching(/invalid alpha: 7/) } });
});
