import type { Environment, Experiment, JsonValue } from "@armspan/schema";
import { audienceNode } from "./audience.ts";
import { flagVariantKey, treatmentsOf } from "./compile-variants.ts";
import { HASH_GUARD, HASH_GUARD_CONDITION, HASH_GUARD_EVALUATOR } from "./hash-guard.ts";
import { routableUnitId } from "./routable-unit-id.ts";
import type { CompileInput } from "./routing-bundle.ts";
import { isRunning, layerOf, slotShare } from "./running-experiments.ts";
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

/** The guard of the hash, holdout and layers: what running experiments share. */
export function compileSharedEvaluators(
	environment: Environment,
	running: readonly Experiment[],
): Record<string, JsonValue> {
	if (running.length === 0) return {};
	const evaluators: Record<string, JsonValue> = { [HASH_GUARD]: HASH_GUARD_EVALUATOR };
	const { holdout } = environment;
	if (holdout !== undefined) {
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

/**
 * JsonLogic of a prompt's running experiments: whoever is left out gets `null`, hence the default variant.
 *
 * @param experiments of one prompt without drafts; more than one of them runs only on a layer that is divided
 */
export function compileTargeting(experiments: readonly Experiment[], input: CompileInput): JsonValue {
	const { environment } = input;
	const running = experiments.filter((experiment) => isRunning(experiment, input.halted));
	const [first] = running;
	const branches: JsonValue[] = [{ "!": [UNIT_ID] }, null, HASH_GUARD_CONDITION, null];
	for (const experiment of running) branches.push(...overrides(experiment, environment));
	const { holdout } = environment;
	if (holdout !== undefined) branches.push({ $ref: `holdout-${holdout.key}` }, null);
	if (first === undefined || layerOf(first, environment) === undefined) {
		return { if: [...branches, ...running.flatMap(experimentBranches), null] };
	}
	// One that is over keeps its slot: nobody of it may be enrolled elsewhere.
	const inSlots = experiments
		.filter((experiment) => experiment.layer === first.layer && slotShare(experiment, environment) > 0)
		.sort((a, b) => (a.key < b.key ? -1 : 1));
	for (const experiment of inSlots) {
		const target = running.includes(experiment) ? { if: [...experimentBranches(experiment), null] } : null;
		branches.push({ "==": [{ $ref: `layer-${first.layer}` }, experiment.key] }, target);
	}
	return { if: [...branches, null] };
}

/** Units by name come before all rules, since they are there to see one arm. */
function overrides(experiment: Experiment, environment: Environment): JsonValue[] {
	return experiment.variants.flatMap(({ key }) => {
		const units = environment.overrides
			.filter((override) => override.experiment === experiment.key && override.variant === key)
			.map(({ unit }) => routableUnitId(unit))
			.sort();
		return units.length === 0 ? [] : [{ in: [UNIT_ID, units] }, flagVariantKey(experiment, key, "override")];
	});
}

/** Audience, then gate, then arms: conditions and results, without what everybody else gets. */
function experimentBranches(experiment: Experiment): JsonValue[] {
	const { allocation, audience } = experiment;
	const isShadow = allocation.type === "shadow";
	const arms = (isShadow ? treatmentsOf(experiment) : experiment.variants).map(({ key, weight }): [string, number] => [
		flagVariantKey(experiment, key, isShadow ? "shadow" : undefined),
		weight,
	]);
	return [
		...audience.flatMap((condition) => [{ "!": [audienceNode(condition)] }, null]),
		share(gateSalt(experiment), allocation.enrolled),
		fractional(armSalt(experiment), arms),
	];
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
