import { VersionComparison } from "@armspan/schema";
import { expect, test } from "vitest";
import { compareVersions } from "./compare-versions.ts";
import { momentsOf, totalsOf } from "./test-support.ts";

const values = (count: number, mean: number) => Array.from({ length: count }, (_, index) => mean + ((index * 37) % 21));
const compared = (after: number, count = 400) =>
	compareVersions({
		store: {
			versionOverlap: async () => ({ units: 0, metrics: {} }),
			versionTotals: async () =>
				totalsOf({
					"1.4.0": { units: count, latency: momentsOf(values(count, 500_000), 1, 1000) },
					"2.0.0": { units: count, latency: momentsOf(values(count, after), 1, 1000) },
				}),
		},
		...{ prompt: "reply", before: "1.4.0", after: "2.0.0" },
		...{ since: new Date("2026-11-01"), until: new Date("2026-11-20"), now: new Date("2026-11-20") },
	});

test("what was seen is told with its numbers, and never as an effect", async () => {
	const comparison = await compared(600_000);
	expect(VersionComparison.parse(JSON.parse(JSON.stringify(comparison)))).toEqual(comparison);
	expect(comparison.design).toBe("not-randomized");
	const latency = comparison.metrics.find(({ metric }) => metric === "latency");
	expect(latency?.absoluteDifference).toMatchObject({ kind: "estimated", value: expect.closeTo(100, 6) });
	expect(latency?.sentence).toBe(
		"latency was 20.0 % higher in calls with 2.0.0 than with 1.4.0; nobody was randomized, so this need not be the version's doing.",
	);
	const words = JSON.stringify(comparison);
	expect(words).not.toMatch(/significant|better|worse|improve|caused|effect/i);
	expect(comparison.recommendation).toContain("at random");
});

test("what chance explains is said to be that, and what was not measured too", async () => {
	const [same, few] = [await compared(500_000), await compared(600_000, 20)];
	expect(same.metrics.find(({ metric }) => metric === "latency")?.sentence).toMatch(/cannot be told from/);
	expect(few.metrics.find(({ metric }) => metric === "latency")?.sentence).toMatch(/cannot be compared: The smaller/);
	expect(same.metrics.find(({ metric }) => metric === "cost")?.absoluteDifference.kind).toBe("not-estimable");
});
