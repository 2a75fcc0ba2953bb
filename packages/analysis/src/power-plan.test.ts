import { PowerPlan } from "@armspan/schema";
import { notEstimable, type PlannedMetric, plannedPower, requiredUnits } from "@armspan/stats";
import { expect, test } from "vitest";
import { type PlannedDesign, type PowerPlanOptions, powerPlan } from "./power-plan.ts";

const history: PlannedMetric = { kind: "mean", baseline: 850, variancePerUnit: 160_000 };
const design: PlannedDesign = {
	...{ inference: "always-valid", alpha: 0.05, power: 0.8, minimumDetectableEffect: 0.05, direction: "decrease" },
	...{ weights: [1, 1], enrolledShare: 1, maturationDays: 0, plannedLooks: 5, plannedUnits: 5000 },
};
const planOf = (changed: Partial<PlannedDesign> = {}, more: Partial<PowerPlanOptions> = {}) =>
	PowerPlan.parse(
		powerPlan({
			...{ experiment: "tone", metric: "latency", unit: "ms", source: { kind: "given" }, newUnitsPerDay: [1000] },
			...{ history, ...more, design: { ...design, ...changed } },
		}),
	);

test("each inference is planned as the statistics plan it; the price of looking rises", () => {
	const { plans, effect, standardDeviationPerUnit } = planOf();
	expect([effect, standardDeviationPerUnit]).toEqual([-0.05, 400]);
	expect(plans.map(({ inference }) => inference)).toEqual(["fixed", "group-sequential", "hybrid", "always-valid"]);
	const units = plans.map(({ requiredUnits: found }) => (found.kind === "estimated" ? found.units : Number.NaN));
	expect(units).toEqual(units.toSorted((a, b) => a - b));
	const fixed = { metric: history, alpha: 0.05, inference: { kind: "fixed" } } as const;
	const asked = { scale: "relative", value: -0.05 } as const;
	expect(plans[0]?.requiredUnits).toMatchObject({
		units: (requiredUnits(fixed, asked, 0.8) as { units: number }).units,
	});
	const atPlanned = plannedPower(fixed, asked, 5000);
	expect(plans[0]?.powerAtPlannedUnits).toEqual({ kind: "estimated", value: (atPlanned as { power: number }).power });
	for (const { curve, minimumDetectableEffect } of plans) {
		expect(curve.map(({ power }) => power)).toEqual(curve.map(({ power }) => power).toSorted((a, b) => a - b));
		expect(curve.find(({ power }) => power >= 0.8)?.units).toBe(curve[4]?.units);
		expect(minimumDetectableEffect?.kind === "estimated" && minimumDetectableEffect.value).toBeLessThan(0);
	}
});

test("the smallest treatment decides, and the gate lengthens", () => {
	const plan = planOf({ weights: [2, 1, 1], enrolledShare: 0.1, maturationDays: 3 });
	expect(plan).toMatchObject({ arms: 3, controlShare: 0.5, treatmentShare: 0.25 });
	const [fixed] = plan.plans;
	const days = fixed?.duration?.kind === "estimated" ? fixed.duration : undefined;
	const units = fixed?.requiredUnits.kind === "estimated" ? fixed.requiredUnits.units : Number.NaN;
	expect(days?.enrollmentDays).toBe(Math.ceil(units / 100));
	expect(days?.days).toBe(7 * Math.ceil(((days?.enrollmentDays ?? 0) + 3) / 7));
});

test("what is not known is null, and what cannot be is said", () => {
	const [unknown] = planOf({ plannedUnits: null }, { newUnitsPerDay: null }).plans;
	expect(unknown).toMatchObject({ duration: null, powerAtPlannedUnits: null, minimumDetectableEffect: null });
	const nothing = notEstimable("no-observations", "There is none.");
	for (const plan of planOf({}, { history: nothing }).plans)
		expect(plan).toMatchObject({ requiredUnits: nothing, curve: [] });
	const full: PlannedMetric = { kind: "proportion", baseline: 0.99 };
	const [beyond] = planOf({ direction: "increase" }, { history: full }).plans;
	expect(beyond?.requiredUnits).toMatchObject({ kind: "not-estimable", reason: "out-of-reach" });
	const [slow] = planOf({}, { newUnitsPerDay: [0.001] }).plans;
	expect(slow?.duration).toMatchObject({ kind: "not-estimable", reason: "out-of-reach" });
});
