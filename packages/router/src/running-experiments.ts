import type { Environment, Experiment, RoutedStatus } from "@armspan/schema";
import type { CompileInput } from "./routing-bundle.ts";

const PRECEDENCE: readonly RoutedStatus[] = ["running", "halted", "stopped"];

/** Whether this iteration enrols units: git says so, and no halt that git does not know yet says otherwise. */
export function isRunning(experiment: Experiment, halted: ReadonlySet<string> | undefined): boolean {
	return experiment.status === "running" && halted?.has(`${experiment.key}#${experiment.iteration}`) !== true;
}

/** Status in the bundle; drafts are not looked at. */
export function routedStatus(experiment: Experiment, halted: ReadonlySet<string> | undefined): RoutedStatus {
	if (isRunning(experiment, halted)) return "running";
	return experiment.status === "stopped" ? "stopped" : "halted";
}

/** The prompt's experiments but for drafts: running ones first, then halted and stopped ones, each by key. */
export function experimentsOf(prompt: string, input: CompileInput): Experiment[] {
	const rank = (experiment: Experiment) => PRECEDENCE.indexOf(routedStatus(experiment, input.halted));
	return input.experiments
		.map(({ experiment }) => experiment)
		.filter((experiment) => experiment.prompt === prompt && experiment.status !== "draft")
		.sort((a, b) => rank(a) - rank(b) || (a.key < b.key ? -1 : 1));
}

/** The layer as the environment divides it, if it does. */
export function layerOf(experiment: Experiment, environment: Environment): Environment["layers"][string] | undefined {
	if (experiment.layer === undefined || !Object.hasOwn(environment.layers, experiment.layer)) return undefined;
	return environment.layers[experiment.layer];
}

/** Share of a divided layer that is the experiment's; 0 without one. */
export function slotShare(experiment: Experiment, environment: Environment): number {
	const slots = layerOf(experiment, environment)?.slots ?? {};
	return Object.hasOwn(slots, experiment.key) ? (slots[experiment.key] ?? 0) : 0;
}
