import { describe, expect, test } from "vitest";
import { BUILT_IN_METRICS, findMetric, METRICS } from "./built-in-metrics.ts";
import { MetricDefinition, metricScale, metricUnit } from "./metric.ts";

const faults = (changes: Record<string, unknown>) =>
	MetricDefinition.safeParse({
		...{ key: "mine", source: "calls", kind: "mean", value: "latency", direction: "decrease", ...changes },
	}).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];

const sql = { source: "sql", query: "SELECT unit_id, time, numerator FROM orders", value: "numerator" };

describe("MetricDefinition", () => {
	test("every built-in metric is a sound definition with a unit and a direction", () => {
		expect(BUILT_IN_METRICS.size).toBeGreaterThan(20);
		for (const [key, metric] of BUILT_IN_METRICS) {
			expect(metric.key).toBe(key);
			expect(METRICS[key as keyof typeof METRICS]).toEqual({ direction: metric.direction, unit: metricUnit(metric) });
			expect(MetricDefinition.parse(metric)).toEqual(metric);
		}
	});

	test("the metrics that were always there keep their units", () => {
		const units = ["error-rate", "latency", "cost", "feedback", "conversion"].map((key) => {
			const metric = findMetric([], key);
			return metric && [metricUnit(metric), metricScale(metric), metric.direction];
		});
		expect(units).toEqual([
			["share", 1, "decrease"],
			["ms", 1_000, "decrease"],
			["usd", 1_000_000_000, "decrease"],
			["score", 1_000_000, "increase"],
			["share", 1, "increase"],
		]);
	});

	test("a ratio is stated in the units of both quantities", () => {
		const metric = MetricDefinition.parse({
			...{ key: "r", source: "calls", kind: "ratio", value: "cost", denominator: "latency", direction: "decrease" },
		});
		expect([metricUnit(metric), metricScale(metric)]).toEqual(["usd/ms", 1e6]);
		const ofTokens = { ...metric, value: "output-tokens", denominator: "input-tokens" } as const;
		expect(metricUnit(ofTokens)).toBe("ratio");
	});

	test.each([
		[{}, []],
		[{ value: undefined }, ["value: a mean needs it"]],
		[{ kind: "ratio" }, ["denominator: a ratio needs it"]],
		[{ level: 0.5 }, ["level: a mean has none; remove it"]],
		[{ kind: "quantile", level: 0.5, per: "unit" }, ['per: a quantile is per call; write "call"']],
		[
			{ kind: "proportion", value: undefined },
			["event: a proportion of calls needs a condition that says which of them count"],
		],
		[{ event: [{ column: "failed", is: true }] }, ['event: a mean has none; use "where"']],
		[{ per: "unit", winsorCap: 3 }, []],
		[
			{ kind: "proportion", value: undefined, event: [{ column: "failed", is: true }], winsorCap: 3 },
			["winsorCap: only of a mean, per call or per unit; remove it"],
		],
		[
			{ kind: "ratio", denominator: "count", winsorCap: 3 },
			[
				"winsorCap: only of a mean, per call or per unit; a ratio of capped sums is the ratio of nothing; cap a mean per unit instead",
			],
		],
		[{ kind: "quantile", level: 0.5, covariateDays: 7 }, ["covariateDays: a quantile has none; remove it"]],
		[{ ...sql, query: "SELECT {experiment:String}, { iteration : UInt32 }, '{x:Y}' -- {x:Y}" }, []],
		[
			{ ...sql, query: "SELECT {key:String}, {iteration:String}" },
			["{key:String}", "{iteration:String}"].map(
				(found) =>
					`query: unknown placeholder ${found}; there are {experiment:String}, {iteration:UInt32}, {started_at:DateTime64}, {environment:String}`,
			),
		],
		[{ source: "sql", value: "numerator" }, ["query: source sql needs it: a SELECT of unit_id, time, numerator"]],
		[{ query: "SELECT 1" }, ['query: only of source "sql", found "calls"']],
		[{ ...sql, covariateDays: 3 }, ["covariateDays: source sql has none; remove it"]],
		[{ ...sql, value: "cost" }, ['value: sql have no "cost"; expected one of count, numerator, denominator']],
		[{ ...sql, kind: "ratio", denominator: "denominator" }, []],
		[{ value: "score" }, [expect.stringMatching(/^value: calls have no "score"; expected one of count, latency/)]],
		[
			{ where: [{ column: "name); DROP TABLE x", in: ["a"] }] },
			[expect.stringMatching(/^where\.0\.column: unknown column of calls; expected one of model, /)],
		],
		[
			{ where: [{ column: "__proto__", in: ["a"] }] },
			[expect.stringMatching(/^where\.0\.column: unknown column of calls/)],
		],
		[
			{ where: [{ column: "model", atLeast: 3 }] },
			['where.0: expected exactly one of in, notIn, startsWith for "model", found atLeast'],
		],
		[
			{ where: [{ column: "model" }] },
			['where.0: expected exactly one of in, notIn, startsWith for "model", found none'],
		],
	])("%j is told %j", (changes, expected) => {
		expect(faults(changes)).toEqual(expected);
	});
});
