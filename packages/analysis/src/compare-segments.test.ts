import { describe, expect, test } from "vitest";
import { compareSegments } from "./compare-segments.ts";
import { experimentMetrics } from "./experiment-metrics.ts";
import { experimentOf, momentsOf, totalsOf } from "./test-support.ts";

const experiment = experimentOf({ segments: ["plan"], guardrails: [], secondaryMetrics: [] });
const metrics = experimentMetrics(experiment);
/** Units of which every `every`-th has the value 1. */
const binary = (count: number, every: number) =>
	Array.from({ length: count }, (_, index) => (index % every === 0 ? 1 : 0));
const part = (value: string, control: number[], friendly: number[]) => ({
	...{ segment: "plan", kind: "value" as const, value },
	arms: totalsOf({
		control: { units: control.length, feedback: momentsOf(control) },
		friendly: { units: friendly.length, feedback: momentsOf(friendly) },
	}).arms,
});
const compared = (parts: ReturnType<typeof part>[]) =>
	compareSegments(parts, metrics, experiment).map(({ metrics: [feedback], sampleRatioMismatch }) => ({
		comparison: feedback?.comparisons[0],
		sampleRatioMismatch,
	}));

describe("compareSegments", () => {
	test("one part that stands out is shown alone, and no longer beside many parts that might", () => {
		const standsOut = part("pro", binary(600, 4), binary(600, 3));
		const alone = compared([standsOut])[0]?.comparison;
		expect(alone).toMatchObject({ basis: "always-valid", adjustedPValue: alone?.pValue });
		expect(alone?.pValue).toBeGreaterThan(0.05 / 20);
		expect(alone?.pValue).toBeLessThan(0.05);
		expect(alone?.conclusion).toBe("better");
		const many = compared([
			standsOut,
			...Array.from({ length: 19 }, (_, index) => part(`p${index}`, binary(600, 4), binary(600, 4))),
		]);
		expect(many[0]?.comparison).toMatchObject({ pValue: alone?.pValue, conclusion: "undecided" });
		expect(many[0]?.comparison?.adjustedPValue).toBeCloseTo(20 * (alone?.pValue ?? 0), 12);
	});

	test("a part that does not follow the weights is told, adjusted for the number of parts", () => {
		const [lost, sound] = compared([
			part("lost", binary(700, 3), binary(350, 3)),
			part("sound", binary(500, 3), binary(520, 3)),
		]);
		expect(lost?.sampleRatioMismatch).toMatchObject({ kind: "estimated", mismatch: true });
		expect(sound?.sampleRatioMismatch).toMatchObject({ kind: "estimated", mismatch: false, adjustedPValue: 1 });
	});

	test("where nothing differs, hardly any of many parts is said to", () => {
		let state = 20_261_120;
		const random = () => {
			state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
			return (state >>> 0) / 4_294_967_296;
		};
		const drawn = (count: number) => Array.from({ length: count }, () => (random() < 0.3 ? 1 : 0));
		// Each unit goes to one arm or the other by a coin.
		const size = () => Array.from({ length: 400 }, () => (random() < 0.5 ? 1 : 0)).reduce<number>((a, b) => a + b, 0);
		const wrong = Array.from({ length: 60 }, () => {
			const parts = Array.from({ length: 10 }, (_, index) => {
				const control = size();
				return part(`p${index}`, drawn(control), drawn(400 - control));
			});
			return compared(parts).filter(
				({ comparison, sampleRatioMismatch: ratio }) =>
					comparison?.conclusion !== "undecided" || (ratio.kind === "estimated" && ratio.mismatch),
			).length;
		});
		// At most one experiment in twenty may be wrong anywhere; always-valid intervals are wrong less often.
		expect(wrong.filter((count) => count > 0).length).toBeLessThanOrEqual(3);
	});

	test("few units give no effect, and none at all no error", () => {
		const [few] = compared([part("few", binary(49, 3), binary(60, 3))]);
		expect(few?.comparison).toMatchObject({ conclusion: "too-few", pValue: null, adjustedPValue: null });
		expect(compared([])).toEqual([]);
	});
});
