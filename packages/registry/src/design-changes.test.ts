import { Experiment, MetricDefinition } from "@armspan/schema";
import { describe, expect, test } from "vitest";
import { designChanges } from "./design-changes.ts";
import type { ExperimentFile, MetricFile } from "./repository-snapshot.ts";

const COST_CAP = { key: "cost-cap", source: "calls", kind: "mean", value: "cost", direction: "decrease", winsorCap: 1 };
const LONG = `SELECT unit_id, time, ${"amount + ".repeat(40)}1 AS numerator FROM orders`;
const ORDERS = { key: "orders", source: "sql", query: LONG, kind: "mean", value: "numerator", direction: "increase" };

/** A line for each part of a path, so that a test sees which one was asked for. */
const lineOf = (path: readonly (string | number)[]) => path.length + 1;

function metricFile(definition: object): MetricFile {
	const metric = MetricDefinition.parse(definition);
	return { file: `metrics/${metric.key}.yaml`, metric, lineOf };
}

function experimentFile(key: string, changes: object, files: readonly MetricFile[] = []): ExperimentFile {
	const experiment = Experiment.parse({
		...{ key, hypothesis: "better", owner: "team", prompt: "reply", status: "running" },
		variants: [
			{ key: "control", version: "1.0.0" },
			{ key: "friendly", version: "2.0.0" },
		],
		primaryMetric: { metric: "feedback", minimumDetectableEffect: 0.05 },
		...changes,
	});
	const metrics = [...experiment.metrics, ...files.map(({ metric }) => metric)];
	return { file: `experiments/${key}.yaml`, digest: "", experiment: { ...experiment, metrics }, lineOf };
}

function changes(keys: readonly string[], before: object, after: object, own: object = {}) {
	const files = [before, after].map((definition) => ("key" in definition ? [metricFile(definition)] : []));
	const [earlier = [], later = []] = files;
	return designChanges(
		keys.map((key) => ({
			// as a start decision has it in ClickHouse
			begun: JSON.parse(JSON.stringify(experimentFile(key, {}, earlier).experiment)),
			now: experimentFile(key, own, later),
		})),
		later,
	);
}

describe("designChanges", () => {
	test("a metric's file is named once, with line, field and both values, whoever shares it", () => {
		expect(changes(["av", "brk"], COST_CAP, { ...COST_CAP, winsorCap: 2 })).toEqual([
			{
				...{ file: "metrics/cost-cap.yaml", line: 2, field: "winsorCap", before: 1, after: 2 },
				fix: "iteration 1 of av, iteration 1 of brk were begun with 1; set iteration: 2 in av, iteration: 2 in brk, which starts with fresh evidence, or undo the change",
			},
		]);
	});

	test("of a long SELECT what surrounds the change is shown", () => {
		const [change, ...others] = changes(["av"], ORDERS, { ...ORDERS, query: LONG.replace("1 AS", "2 AS") });
		expect(others).toEqual([]);
		expect(change).toMatchObject({
			...{ file: "metrics/orders.yaml", field: "query" },
			before: expect.stringMatching(/^….{20}1 AS numerator FROM orders$/),
			after: expect.stringContaining("+ 2 AS numerator FROM orders"),
		});
	});

	test("what is new or gone is said so", () => {
		const { winsorCap: _, ...uncapped } = COST_CAP;
		expect(changes(["av"], uncapped, COST_CAP)).toMatchObject([
			{ field: "winsorCap", after: 1, fix: expect.stringContaining("was begun without it; set iteration: 2,") },
		]);
		expect(changes(["av"], COST_CAP, uncapped)).toMatchObject([{ field: "winsorCap", before: 1, after: undefined }]);
	});

	test("in an experiment the smallest part is named where it stands", () => {
		const variants = [
			{ key: "control", version: "1.0.0" },
			{ key: "friendly", version: "2.0.1" },
		];
		expect(changes(["av"], {}, {}, { variants, alpha: 0.01 })).toMatchObject([
			{ file: "experiments/av.yaml", line: 4, field: "variants[1].version", before: "2.0.0", after: "2.0.1" },
			{ line: 2, field: "alpha", before: 0.05, after: 0.01 },
		]);
	});

	test("a definition that the experiment has itself is named there", () => {
		const begun = JSON.parse(JSON.stringify(experimentFile("av", { metrics: [COST_CAP] }).experiment));
		const now = experimentFile("av", { metrics: [{ ...COST_CAP, winsorCap: 3 }] });
		expect(designChanges([{ begun, now }], [])).toMatchObject([
			{ file: "experiments/av.yaml", line: 4, field: "metrics[0].winsorCap", before: 1, after: 3 },
		]);
	});

	test("definitions in another order are a change, as the record is", () => {
		const other = { ...COST_CAP, key: "other" };
		const begun = JSON.parse(JSON.stringify(experimentFile("av", { metrics: [COST_CAP, other] }).experiment));
		const now = experimentFile("av", { metrics: [other, COST_CAP] });
		expect(designChanges([{ begun, now }], [])).toMatchObject([
			{ field: "metrics", before: "cost-cap, other", after: "other, cost-cap" },
		]);
		expect(designChanges([{ begun, now: experimentFile("av", { metrics: [COST_CAP, other] }) }], [])).toEqual([]);
	});
});
