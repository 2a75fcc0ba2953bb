import { type Experiment, type RoutingFile, routedExperiments } from "@armspan/schema";
import { canonicalJson } from "./canonical-json.ts";
import { environmentSource } from "./check-input.ts";
import { type IterationFacts, iterationFacts } from "./iteration-facts.ts";
import { type Path, Problems } from "./problems.ts";
import type { CompileInput, ExperimentFile } from "./routing-bundle.ts";
import { isRunning } from "./running-experiments.ts";

/**
 * What would move units of an iteration that is in force, or bring one back that is over. Only the gate may move, and a
 * slot may grow.
 *
 * @param next what the input compiles to
 */
export function checkPrevious(input: CompileInput, previous: RoutingFile, next: RoutingFile): Problems {
	const problems = new Problems();
	const before = iterationFacts(previous);
	const after = iterationFacts(next);
	const statuses = new Map(
		Object.values(previous.flags).flatMap(({ metadata }) => routedExperiments(metadata).map((one) => [one.key, one])),
	);
	for (const file of input.experiments) {
		const { experiment } = file;
		if (!isRunning(experiment, input.halted)) continue;
		const { key, iteration } = experiment;
		const inForce = statuses.get(key);
		if (inForce === undefined || inForce.iteration < iteration) continue;
		if (inForce.iteration > iteration) {
			const fix = `${key}#${inForce.iteration} is in force already; an older iteration would mix its old evidence with new: raise iteration`;
			problems.add("ITERATION_CHANGED", file, ["iteration"], iteration, fix);
		} else if (inForce.status !== "running") {
			const fix = `iteration ${iteration} is ${inForce.status} in the bundle in force, and its evidence is closed; ${raise(experiment)}`;
			problems.add("ITERATION_CHANGED", file, ["status"], experiment.status, fix);
		} else {
			const was = before.get(key);
			const is = after.get(key);
			if (was !== undefined && is !== undefined) checkFacts(file, was, is, input, problems);
		}
	}
	return problems;
}

function raise({ iteration }: Experiment): string {
	return `set iteration: ${iteration + 1}, which starts with fresh evidence`;
}

function checkFacts(
	file: ExperimentFile,
	was: IterationFacts,
	is: IterationFacts,
	input: CompileInput,
	problems: Problems,
): void {
	const { experiment } = file;
	const changed = (path: Path, now: unknown, before: string) => {
		const fix = `iteration ${experiment.iteration} runs with ${before}; ${raise(experiment)}, or undo the change`;
		problems.add("ITERATION_CHANGED", file, path, now, fix);
	};
	const isSame = (a: unknown, b: unknown) => canonicalJson(a) === canonicalJson(b);
	if (was.prompt !== is.prompt) changed(["prompt"], is.prompt, was.prompt);
	if (!isSame(was.unit, is.unit)) changed(["unit"], is.unit.join(" ").trim(), was.unit.join(" ").trim());
	if (!isSame(was.audience, is.audience)) changed(["audience"], experiment.audience, "another audience");
	if (was.isShadow !== is.isShadow) {
		changed(["allocation", "type"], experiment.allocation.type, was.isShadow ? "shadow" : "fixed");
	} else if (!isSame(was.arms, is.arms)) {
		const arms = was.arms.map(([arm, weight]) => `${arm}: ${weight}`).join(", ");
		changed(["variants"], Object.fromEntries(is.arms), `the weights ${arms}`);
	}
	for (const [arm, delivery] of is.deliveries) {
		const before = was.deliveries.get(arm);
		const path = ["variants", experiment.variants.findIndex(({ key }) => key === arm)];
		if (before === undefined) continue;
		if (before.digest !== delivery.digest || before.version !== delivery.version) {
			changed([...path, "version"], delivery.version, `${before.version} (${before.digest.slice(0, 12)})`);
		}
		if (before.model !== delivery.model) changed([...path, "model"], delivery.model, before.model);
		if (!isSame(before.parameters, delivery.parameters)) {
			changed([...path, "config"], delivery.parameters, JSON.stringify(before.parameters));
		}
	}
	checkSlot(file, was, is, input, problems, changed);
}

/** A slot that still covers its buckets only gains units, as a gate that opens does. */
function checkSlot(
	{ experiment }: ExperimentFile,
	{ slot: was }: IterationFacts,
	{ slot: is }: IterationFacts,
	input: CompileInput,
	problems: Problems,
	changed: (path: Path, now: unknown, before: string) => void,
): void {
	if (was?.layer !== is?.layer) {
		changed(["layer"], is?.layer ?? "undivided", was === undefined ? "no divided layer" : was.layer);
		return;
	}
	if (was === undefined || is === undefined || (is.from <= was.from && is.to >= was.to)) return;
	const path = ["layers", experiment.layer ?? "", "slots", experiment.key];
	const fix = `the slot had the buckets ${was.from} to ${was.to} of 100000, and its units would leave ${experiment.key}, which runs; put the slots back (new ones last, taking from what is free), or raise its iteration`;
	problems.add("SLOT_MOVED", environmentSource(input), path, `${is.from} to ${is.to}`, fix);
}
