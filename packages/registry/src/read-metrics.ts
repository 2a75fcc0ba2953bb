import { BUILT_IN_METRICS, type Experiment, findMetric, MetricDefinition } from "@armspan/schema";
import type { RepositoryIssue } from "./registry-error.ts";
import type { ExperimentFile, MetricFile } from "./repository-snapshot.ts";
import type { StrictYaml } from "./strict-yaml.ts";

type Path = readonly (string | number)[];

/** Metric of `metrics/<key>.yaml` if it is sound, named as the file is, and no built-in one. */
export function readMetric(yaml: StrictYaml, key: string, issues: RepositoryIssue[]): MetricDefinition | undefined {
	const result = yaml.validate(MetricDefinition);
	if ("issues" in result) {
		issues.push(...result.issues);
		return undefined;
	}
	const metric = result.data;
	const refuse = (message: string) => {
		issues.push(yaml.issue(["key"], message));
		return undefined;
	};
	if (metric.key !== key) return refuse(`key: "${metric.key}" does not match the file name; expected "${key}"`);
	if (BUILT_IN_METRICS.has(key)) return refuse(`key: "${key}" is built in; choose another name`);
	return metric;
}

/** What `metrics/` defines, and the keys of files there that are not sound. */
export interface MetricDefinitions {
	readonly metrics: readonly MetricFile[];
	readonly brokenMetrics: ReadonlySet<string>;
}

/**
 * The experiment with the definitions of all metrics that it names, so that whoever reads it needs no repository. What it
 * defines itself comes first; a name that neither it, the repository nor Armspan defines is an issue.
 */
export function withMetrics(
	file: ExperimentFile,
	{ metrics: definitions, brokenMetrics }: MetricDefinitions,
	issue: (path: Path, message: string) => void,
): ExperimentFile {
	const { experiment } = file;
	const own = experiment.metrics;
	const used = new Map<string, MetricDefinition>();
	for (const [path, key] of namedMetrics(experiment)) {
		const known = findMetric(own, key) ?? definitions.find(({ metric }) => metric.key === key)?.metric;
		if (known === undefined) {
			// Its file's faults are said; that there is no such metric would be said before them, and is wrong.
			if (brokenMetrics.has(key)) continue;
			const keys = [...BUILT_IN_METRICS.keys(), ...own.map((metric) => metric.key)];
			const all = [...new Set([...keys, ...definitions.map(({ metric }) => metric.key)])].sort().join(", ");
			issue(
				path,
				`${path.join(".")}: unknown metric "${key}"; expected one of ${all}, or define it in metrics/${key}.yaml`,
			);
		} else if (path[0] === "guardrails" && known.kind === "quantile") {
			issue(path, `${path.join(".")}: "${key}" is a quantile, which no guardrail can watch; guard a mean or a share`);
		} else if (path[0] === "guardrails" && known.source === "sql") {
			issue(
				path,
				`${path.join(".")}: "${key}" is of SQL of your own, which is too slow to watch; guard another metric`,
			);
		} else if (findMetric(own, key) === undefined) {
			used.set(key, known);
		}
	}
	// In one order, since the definitions are part of the iteration's design.
	const added = [...used.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
	return { ...file, experiment: { ...experiment, metrics: [...own, ...added] } };
}

function namedMetrics({ primaryMetric, secondaryMetrics, guardrails }: Experiment): [Path, string][] {
	return [
		[["primaryMetric", "metric"], primaryMetric.metric],
		...secondaryMetrics.map((key, index): [Path, string] => [["secondaryMetrics", index], key]),
		...guardrails.map(({ metric }, index): [Path, string] => [["guardrails", index, "metric"], metric]),
	];
}
