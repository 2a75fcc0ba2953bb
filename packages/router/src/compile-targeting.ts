import type { AudienceCondition, Environment, Experiment, JsonValue } from "@armspan/schema";
import { layerOf } from "./check-input.ts";
import { SHARE_STEPS, shareSteps } from "./shares.ts";

/** Slot for units that no experiment of the layer has; parentheses keep it apart from experiment keys. */
const FREE_SLOT = "(free)";

const UNIT_ID: JsonValue = { var: "targetingKey" };

function gateSalt({ key, iteration }: Experiment): string {
	return `${key}.${iteration}.gate`;
}

function armSalt({ key, iteration }: Experiment): string {
	return `${key}.${iteration}.arm`;
}

/** Name of an arm among the flag's variants. */
export function flagVariantKey(experiment: Experiment, variant: string): string {
	return `${experiment.key}.${variant}`;
}

/** Holdout and layers that running experiments share. */
export function compileSharedEvaluators(
	environment: Environment,
	running: readonly Experiment[],
): Record<string, JsonValue> {
	const evaluators: Record<string, JsonValue> = {};
	const { holdout } = environment;
	if (holdout !== undefined && running.length > 0) {
		evaluators[`holdout-${holdout.key}`] = share(`holdout-${holdout.key}`, holdout.share);
	}
	for (const experiment of running) {
		const layer = layerOf(experiment, environment);
		if (layer === undefined) continue;
		const name = `layer-${experiment.layer}`;
		// In the file's order: a slot added at the end takes units from the free ones only.
		const slots = Object.entries(layer.slots).map(([key, value]): [string, number] => [key, shareSteps(value) ?? 0]);
		const free = SHARE_STEPS - slots.reduce((sum, [, steps]) => sum + steps, 0);
		evaluators[name] = fractional(name, [...slots, [FREE_SLOT, free]]);
	}
	return evaluators;
}

/** JsonLogic of one running experiment: whoever is left out gets `null`, hence the default variant. */
export function compileTargeting(experiment: Experiment, environment: Environment): JsonValue {
	const { holdout } = environment;
	const layer = layerOf(experiment, environment);
	const branches: JsonValue[] = [{ "!": [UNIT_ID] }, null];
	if (holdout !== undefined) branches.push({ $ref: `holdout-${holdout.key}` }, null);
	if (layer !== undefined) branches.push({ "!=": [{ $ref: `layer-${experiment.layer}` }, experiment.key] }, null);
	for (const condition of experiment.audience) branches.push({ "!": [member(condition)] }, null);
	const arms = experiment.variants.map((variant): [string, number] => [
		flagVariantKey(experiment, variant.key),
		variant.weight,
	]);
	branches.push(
		share(gateSalt(experiment), experiment.allocation.enrolled),
		fractional(armSalt(experiment), arms),
		null,
	);
	return { if: branches };
}

function member({ attribute, in: values }: AudienceCondition): JsonValue {
	return { in: [{ var: attribute }, values] };
}

function share(salt: string, enrolled: number): JsonValue {
	const steps = shareSteps(enrolled) ?? 0;
	return fractional(salt, [
		[true, steps],
		[false, SHARE_STEPS - steps],
	]);
}

/** Entries of no weight are left out: flagd would accept them, and they say nothing. */
function fractional(salt: string, entries: readonly [string | boolean, number][]): JsonValue {
	return { fractional: [{ cat: [`${salt}:`, UNIT_ID] }, ...entries.filter(([, weight]) => weight > 0)] };
}
