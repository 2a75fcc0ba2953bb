import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { commitAll, temporaryFolder } from "../test/temporary-repository.ts";
import { initRepository } from "./init-repository.ts";
import { openRegistry } from "./open-registry.ts";
import { RegistryError } from "./registry-error.ts";

beforeEach(() => {
	vi.stubEnv("GIT_CONFIG_GLOBAL", "/dev/null");
	onTestFinished(() => {
		vi.unstubAllEnvs();
	});
});

const FAITHFUL = `key: faithful
source: evaluations
kind: mean
value: score
where:
  - { column: name, in: [faithfulness] }
direction: increase
`;

async function repositoryWith(files: Record<string, string>, experiment: (text: string) => string = (text) => text) {
	const directory = join(temporaryFolder(onTestFinished), "repository");
	await initRepository(directory);
	const file = "experiments/support-tone.yaml";
	const text = await readFile(join(directory, file), "utf8");
	await commitAll(directory, { ...files, [file]: `${experiment(text)}# changed\n` });
	return openRegistry(directory);
}

async function issues(registry: Awaited<ReturnType<typeof repositoryWith>>): Promise<string[]> {
	const error = await registry.snapshot().then(
		() => expect.unreachable("the repository is broken"),
		(reason: unknown) => reason,
	);
	expect(error).toBeInstanceOf(RegistryError);
	return (error as RegistryError).message.split("\n").slice(1);
}

const withSecondary = (key: string) => (text: string) => text.replace("  - conversion", `  - conversion\n  - ${key}`);

describe("metrics/", () => {
	test("definitions that an experiment names come with it, the others do not", async () => {
		const unused = FAITHFUL.replace("key: faithful", "key: unused");
		const registry = await repositoryWith(
			{ "metrics/faithful.yaml": FAITHFUL, "metrics/unused.yaml": unused },
			withSecondary("faithful"),
		);
		const { experiments, metrics } = await registry.snapshot();
		expect(metrics.map(({ file, metric }) => [file, metric.key])).toEqual([
			["metrics/faithful.yaml", "faithful"],
			["metrics/unused.yaml", "unused"],
		]);
		expect(experiments[0]?.experiment.metrics).toEqual([metrics[0]?.metric]);
	});

	test("an experiment's own definition needs no file", async () => {
		const registry = await repositoryWith({}, (text) =>
			withSecondary("mine")(
				`${text}\nmetrics:\n  - { key: mine, source: calls, kind: mean, value: cost, direction: decrease }\n`,
			),
		);
		const { experiments } = await registry.snapshot();
		expect(experiments[0]?.experiment.metrics.map(({ key }) => key)).toEqual(["mine"]);
	});

	test("an unknown metric is refused where it stands, with those that there are", async () => {
		const registry = await repositoryWith({ "metrics/faithful.yaml": FAITHFUL }, withSecondary("faithfull"));
		expect(await issues(registry)).toEqual([
			expect.stringMatching(
				/^experiments\/support-tone\.yaml:\d+: secondaryMetrics\.4: unknown metric "faithfull"; expected one of .*error-rate, .*faithful, .*or define it in metrics\/faithfull\.yaml$/,
			),
		]);
	});

	test("a guardrail on a quantile is refused", async () => {
		const registry = await repositoryWith({}, (text) =>
			text.replace("  - metric: error-rate", "  - metric: latency-p95"),
		);
		expect(await issues(registry)).toEqual([
			expect.stringContaining('guardrails.0.metric: "latency-p95" is a quantile, which no guardrail can watch'),
		]);
	});

	test("a guardrail on SQL of one's own is refused", async () => {
		const orders =
			"key: orders\nsource: sql\nquery: SELECT unit_id, time, numerator FROM orders\nkind: mean\nvalue: numerator\ndirection: increase\n";
		const registry = await repositoryWith({ "metrics/orders.yaml": orders }, (text) =>
			text.replace("  - metric: error-rate", "  - metric: orders"),
		);
		expect(await issues(registry)).toEqual([
			expect.stringContaining('guardrails.0.metric: "orders" is of SQL of your own, which is too slow to watch'),
		]);
	});

	test("a definition that is broken is the fault, not the experiment that names it", async () => {
		for (const [broken, fault] of [
			[FAITHFUL.replace(/^direction: .*$/m, ""), /^metrics\/faithful\.yaml:\d+: direction: missing; /],
			[`${FAITHFUL}\n]`, /^metrics\/faithful\.yaml:\d+: not valid YAML: /],
		] as const) {
			const found = await issues(await repositoryWith({ "metrics/faithful.yaml": broken }, withSecondary("faithful")));
			expect(found.length).toBeGreaterThan(0);
			for (const line of found) expect(line).toMatch(fault);
		}
	});

	test("a broken definition says file and line", async () => {
		const registry = await repositoryWith({
			"metrics/faithful.yaml": FAITHFUL.replace("column: name", "column: nome"),
			"metrics/latency.yaml": FAITHFUL.replace("key: faithful", "key: latency"),
			"metrics/other.yaml": FAITHFUL,
		});
		expect(await issues(registry)).toEqual([
			expect.stringMatching(
				/^metrics\/faithful\.yaml:6: where\.0\.column: unknown column of evaluations; expected one of name, /,
			),
			'metrics/latency.yaml:1: key: "latency" is built in; choose another name',
			'metrics/other.yaml:1: key: "faithful" does not match the file name; expected "other"',
		]);
	});
});
