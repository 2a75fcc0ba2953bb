import { describe, expect, it } from "vitest";
import type { GroupSequentialDesign, GroupSequentialLook } from "./group-sequential-boundary.ts";
import { groupSequentialComparison } from "./group-sequential-comparison.ts";
import { groupSequentialTest } from "./group-sequential-test.ts";
import { pooledLevel } from "./pooled-level.ts";
import { ratioContrast } from "./ratio-contrast.ts";
import { safeguardedContrast } from "./safeguarded-contrast.ts";
import { estimated } from "./test-support/estimated.ts";
import { bernoulliSums } from "./test-support/ratio-sums-of.ts";
import { seededRandom } from "./test-support/seeded-random.ts";

const design: GroupSequentialDesign = { alpha: 0.05, sides: 2, spending: { kind: "obrien-fleming" } };
const plannedVariance = 2 * (0.09 / 2000);
const common = { design, pastLooks: [], plannedVariance };

describe("groupSequentialComparison", () => {
	it("is the group-sequential test of the safeguarded contrast", () => {
		for (const treated of [0, 5, 12, 40]) {
			const [control, treatment] = [bernoulliSums(1000, 100), bernoulliSums(100, treated)];
			const { difference, variance } = estimated(safeguardedContrast(control, treatment));
			const units = { control: 1000, treatment: 100 };
			const level = pooledLevel(control, treatment);
			expect(groupSequentialComparison({ ...common, control, treatment, final: true })).toEqual(
				groupSequentialTest({ ...common, effect: { value: difference, variance }, units, level, final: true }),
			);
		}
	});

	it("is nearly the textbook's in equal arms", () => {
		const [control, treatment] = [bernoulliSums(1000, 100), bernoulliSums(1000, 125)];
		const ours = estimated(groupSequentialComparison({ ...common, control, treatment }));
		const { difference, variance } = estimated(ratioContrast(control, treatment));
		const textbook = estimated(groupSequentialTest({ ...common, effect: { value: difference, variance } }));
		expect(ours.z / textbook.z).toBeCloseTo(1, 2);
		expect(ours.look.informationFraction / textbook.look.informationFraction).toBeCloseTo(1, 2);
		expect(ours.conclusion).toBe("continue");
	});

	it("neither rejects for, nor counts as information, that a small arm has had no event yet", () => {
		const [control, treatment] = [bernoulliSums(9900, 297), bernoulliSums(100, 0)];
		const planned = 0.03 * 0.97 * (1 / 19_800 + 1 / 200);
		const ours = estimated(groupSequentialComparison({ ...common, plannedVariance: planned, control, treatment }));
		expect(ours.look.informationFraction).toBeCloseTo(0.5, 1);
		expect(ours.conclusion).toBe("continue");
		const { difference, variance } = estimated(ratioContrast(control, treatment));
		const effect = { value: difference, variance };
		const textbook = estimated(groupSequentialTest({ ...common, plannedVariance: planned, effect }));
		expect(textbook.conclusion).toBe("reject");
		expect(textbook.look.informationFraction).toBeGreaterThan(1);
	});

	it("passes on what cannot be compared, and units and scale", () => {
		const [control, treatment] = [bernoulliSums(1000, 100), bernoulliSums(20, 3)];
		expect(groupSequentialComparison({ ...common, control, treatment })).toMatchObject({ reason: "too-few-units" });
		const few = { ...common, control, treatment, minimumUnits: 20 };
		const { z } = estimated(groupSequentialComparison(few));
		const scaled = estimated(
			groupSequentialComparison({ ...few, plannedVariance: plannedVariance / 1e6, scale: 1000 }),
		);
		expect(scaled.z).toBeCloseTo(z, 12);
	});

	it("errs at its rate at most in a 5 % arm of rare values, where the arms' own variances do not", () => {
		const streams = 600;
		const looks = 5;
		const units = 20_000;
		const planned = 0.01 * 0.99 * (1 / (0.95 * units) + 1 / (0.05 * units));
		let [ours, textbook] = [0, 0];
		for (let stream = 0; stream < streams; stream++) {
			const random = seededRandom(90_000 + stream);
			const events = [0, 0];
			const past: GroupSequentialLook[][] = [[], []];
			const rejected = [false, false];
			for (let look = 1; look <= looks; look++) {
				const arms = [0.95, 0.05].map((share, arm) => {
					events[arm]! += random.binomial((units / looks) * share, 0.01);
					return bernoulliSums((units / looks) * share * look, events[arm]!);
				});
				const [control, treatment] = [arms[0]!, arms[1]!];
				const plain = estimated(ratioContrast(control, treatment));
				const shared = { design, plannedVariance: planned, final: look === looks };
				for (const [which, result] of [
					groupSequentialComparison({ ...shared, pastLooks: past[0]!, control, treatment }),
					groupSequentialTest({
						...shared,
						pastLooks: past[1]!,
						effect: { value: plain.difference, variance: plain.variance },
					}),
				].entries()) {
					if (result.kind === "not-estimable") continue;
					past[which]!.push(result.look);
					rejected[which] ||= result.conclusion === "reject";
				}
			}
			if (rejected[0]) ours++;
			if (rejected[1]) textbook++;
		}
		expect(ours / streams).toBeLessThan(0.06);
		expect(ours / streams).toBeGreaterThan(0.005);
		expect(textbook / streams).toBeGreaterThan(0.1);
	});
});
