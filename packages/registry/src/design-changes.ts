import { ITERATION_FIELDS, type JsonValue, type MetricDefinition } from "@armspan/schema";
import type { ExperimentFile, LineOf, MetricFile } from "./repository-snapshot.ts";

type Path = readonly (string | number)[];
type Design = Readonly<Record<string, unknown>>;

/** A running iteration as it was begun, and the experiment as a commit has it now. */
export interface BegunIteration {
	/** By field; a field that was not recorded is taken for absent. */
	readonly begun: Design;
	readonly now: ExperimentFile;
}

/** A value of an iteration's design that a commit changes, where it stands: in an experiment, or in a metric's own file. */
export interface DesignChange {
	readonly file: string;
	readonly line: number;
	/** `guardrails[0].nonInferiorityMargin`; of a metric's file `winsorCap`. */
	readonly field: string;
	/** `undefined` where there is none; of a long text what surrounds the first difference. */
	readonly before: JsonValue | undefined;
	readonly after: JsonValue | undefined;
	/** Says which iterations it changes, and what to do. */
	readonly fix: string;
}

interface Leaf {
	readonly path: Path;
	readonly before: JsonValue | undefined;
	readonly after: JsonValue | undefined;
}

/** What a commit changes within iterations that run, value by value; of a file that several experiments share once. */
export function designChanges(iterations: readonly BegunIteration[], metrics: readonly MetricFile[]): DesignChange[] {
	const found = iterations.flatMap((iteration) =>
		changesOf(iteration, metrics).map((change) => ({ ...change, experiment: iteration.now.experiment })),
	);
	const same = Map.groupBy(found, ({ experiment: _, ...change }) => JSON.stringify(change));
	return [...same.values()].flatMap((ofChange) => {
		const [first] = ofChange;
		if (first === undefined) return [];
		const { experiment: _, ...change } = first;
		const begun = ofChange.map(({ experiment: { key, iteration } }) => `iteration ${iteration} of ${key}`);
		const raised = ofChange.map(({ experiment: { key, iteration } }) =>
			ofChange.length === 1 ? `iteration: ${iteration + 1}` : `iteration: ${iteration + 1} in ${key}`,
		);
		const was = change.before === undefined ? "without it" : `with ${JSON.stringify(change.before)}`;
		const fix = `${begun.join(", ")} ${begun.length === 1 ? "was" : "were"} begun ${was}; set ${raised.join(", ")}, which starts with fresh evidence, or undo the change`;
		return [{ ...change, fix }];
	});
}

function changesOf({ begun, now }: BegunIteration, files: readonly MetricFile[]): Omit<DesignChange, "fix">[] {
	const { file, experiment, lineOf } = now;
	const at = (place: { file: string; lineOf: LineOf }, path: Path, { before, after }: Omit<Leaf, "path">) => ({
		...{ file: place.file, line: place.lineOf(path), field: fieldOf(path) },
		...excerpts(before, after),
	});
	const changes = ITERATION_FIELDS.filter((field) => field !== "metrics").flatMap((field) =>
		leaves([field], plain(begun[field]), plain(experiment[field])).map((leaf) => at({ file, lineOf }, leaf.path, leaf)),
	);
	const before = new Map(((begun.metrics ?? []) as MetricDefinition[]).map((metric) => [metric.key, metric]));
	const ofMetrics = experiment.metrics.flatMap((metric, index) => {
		const earlier = before.get(metric.key);
		// One that is new, or gone, is so since the experiment names other metrics.
		if (earlier === undefined) return [];
		const own = files.find((definition) => definition.metric === metric);
		return leaves([], plain(earlier), plain(metric)).map((leaf) =>
			own === undefined ? at({ file, lineOf }, ["metrics", index, ...leaf.path], leaf) : at(own, leaf.path, leaf),
		);
	});
	const all = [...changes, ...ofMetrics];
	const keys = (metrics: readonly { key: string }[]) => metrics.map(({ key }) => key).join(", ");
	const named = { before: keys([...before.values()]), after: keys(experiment.metrics) };
	return all.length > 0 || named.before === named.after ? all : [at({ file, lineOf }, ["metrics"], named)];
}

/** The smallest parts that differ; an array or object that is new or gone is one. */
function leaves(path: Path, before: JsonValue | undefined, after: JsonValue | undefined): Leaf[] {
	if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
		return before.flatMap((item, index) => leaves([...path, index], item, after[index]));
	}
	if (isRecord(before) && isRecord(after)) {
		const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
		return keys.flatMap((key) => leaves([...path, key], before[key], after[key]));
	}
	return canonical(before) === canonical(after) ? [] : [{ path, before, after }];
}

function isRecord(value: JsonValue | undefined): value is Record<string, JsonValue> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** As it is recorded: without what is undefined, `null` for what is absent. */
function plain(value: unknown): JsonValue | undefined {
	return value === undefined || value === null ? undefined : (JSON.parse(JSON.stringify(value)) as JsonValue);
}

/** Keys in one order, so that neither YAML's nor ClickHouse's order of keys is a change. */
function canonical(value: JsonValue | undefined): string {
	return JSON.stringify(value ?? null, (_key, part: unknown) =>
		isRecord(part as JsonValue)
			? Object.fromEntries(Object.entries(part as object).sort(([a], [b]) => (a < b ? -1 : 1)))
			: part,
	);
}

const EXCERPT_CHARACTERS = 80;
const BEFORE_DIFFERENCE = 20;

function excerpts(before: JsonValue | undefined, after: JsonValue | undefined): Pick<DesignChange, "before" | "after"> {
	const texts = [before, after].map((value) => (typeof value === "string" ? value : JSON.stringify(value)));
	if (texts.every((text) => text === undefined || text.length <= EXCERPT_CHARACTERS)) return { before, after };
	const [earlier = "", later = ""] = texts;
	let same = 0;
	while (same < earlier.length && earlier[same] === later[same]) same += 1;
	const from = Math.max(0, same - BEFORE_DIFFERENCE);
	const excerpt = (value: JsonValue | undefined, text: string) =>
		value === undefined
			? value
			: `${from > 0 ? "…" : ""}${text.slice(from, from + EXCERPT_CHARACTERS)}${text.length > from + EXCERPT_CHARACTERS ? "…" : ""}`;
	return { before: excerpt(before, earlier), after: excerpt(after, later) };
}

function fieldOf(path: Path): string {
	return path.reduce<string>(
		(text, part) => (typeof part === "number" ? `${text}[${part}]` : text === "" ? part : `${text}.${part}`),
		"",
	);
}
