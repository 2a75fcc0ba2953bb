import { type Experiment, type RoutingFile, routedExperiments } from "@armspan/schema";
import { canonicalJson } from "./canonical-json.ts";
import { environmentSource } from "./check-input.ts";
import { type IterationFacts, iterationFacts } from "./iteration-facts.ts";
import { type Path, Problems } from "./problems.ts";
import type { CompileInput, ExperimentFile } from "./routing-bundle.ts";
import { isRunning } from "./running-experiments.ts";

/**
 * What would move units of an iteration that is in force, or bring one back that is over. Only the gate may move, and a
 * slot may grow or shrink.
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
			if (was !== undefined && is !== undefined) checkFacts(file, was, is, after, input, problems);
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
	after: ReadonlyMap<string, IterationFacts>,
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
	if (was.slot?.layer !== is.slot?.layer) {
		changed(["layer"], experiment.layer ?? "none", was.slot?.layer.replace(/^layer-/, "layer ") ?? "no divided layer");
	} else if (was.slot !== undefined && is.slot !== undefined) {
		checkSlot(file, was.slot, is.slot, after, input, problems);
	}
}

type Slot = NonNullable<IterationFacts["slot"]>;

/**
 * A slot that only gains units, or only loses them to nobody, is like a gate that opens or closes, and can be undone. One
 * that does both would exchange the units, and one that another running experiment takes from would hand them over.
 */
function checkSlot(
	{ experiment }: ExperimentFile,
	was: Slot,
	is: Slot,
	after: ReadonlyMap<string, IterationFacts>,
	input: CompileInput,
	problems: Problems,
): void {
	const path = ["layers", experiment.layer ?? "", "slots", experiment.key];
	const refuse = (what: string) => {
		const fix = `the slot had the buckets ${was.from} to ${was.to} of 100000, and ${what}; put the slots back (new ones last, taking from what is free), or set iteration: ${experiment.iteration + 1} in experiments/${experiment.key}.yaml`;
		problems.add("SLOT_MOVED", environmentSource(input), path, `${is.from} to ${is.to}`, fix);
	};
	const [taker] = [...after].find(([key, { slot }]) => key !== experiment.key && overlaps(slot, was)) ?? [];
	if (taker !== undefined) refuse(`units of ${experiment.key}, which runs, would move to ${taker}`);
	else if (!covers(is, was) && !covers(was, is)) {
		refuse(`${experiment.key}, which runs, would lose units and get others`);
	}
}

function covers(outer: Slot, inner: Slot): boolean {
	return outer.from <= inner.from && outer.to >= inner.to;
}

function overlaps(slot: Slot | undefined, other: Slot): boolean {
	return slot?.layer === other.layer && slot.from < other.to && other.from < slot.to;
}
