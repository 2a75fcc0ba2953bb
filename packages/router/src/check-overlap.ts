import type { Problems } from "./problems.ts";
import type { CompileInput, ExperimentFile } from "./routing-bundle.ts";
import { layerOf, slotShare } from "./running-experiments.ts";
import { isSameUnit, unitName } from "./unit-name.ts";

/** A call can be in one experiment: those of a prompt share a divided layer, and those of a layer have slots of it. */
export function checkOverlap(running: readonly ExperimentFile[], input: CompileInput, problems: Problems): void {
	const byPrompt = new Map<string, ExperimentFile>();
	const byLayer = new Map<string, ExperimentFile>();
	for (const entry of running) {
		const { prompt } = entry.experiment;
		const samePrompt = byPrompt.get(prompt);
		if (samePrompt === undefined) byPrompt.set(prompt, entry);
		else checkSamePrompt(entry, samePrompt, input, problems);
		checkLayer(entry, byLayer, input, problems);
	}
}

function checkSamePrompt(
	entry: ExperimentFile,
	other: ExperimentFile,
	{ environment, environmentName }: CompileInput,
	problems: Problems,
): void {
	const { experiment } = entry;
	const isDivided = layerOf(experiment, environment) !== undefined;
	if (isDivided && experiment.layer === other.experiment.layer) return;
	const fix = `${other.file} runs on the same prompt; a call can be in one experiment: stop one of them, or put both on a layer that environments/${environmentName}.yaml divides, with a slot for each`;
	problems.add("PROMPT_OVERLAP", entry, ["prompt"], experiment.prompt, fix);
}

function checkLayer(
	entry: ExperimentFile,
	byLayer: Map<string, ExperimentFile>,
	{ environment, environmentName }: CompileInput,
	problems: Problems,
): void {
	const { experiment } = entry;
	const { layer } = experiment;
	if (layer === undefined) return;
	const slots = `layers.${layer}.slots in environments/${environmentName}.yaml`;
	if (layerOf(experiment, environment) !== undefined) {
		if (slotShare(experiment, environment) > 0) return;
		problems.add("SLOT_MISSING", entry, ["layer"], layer, `give ${experiment.key} a share under ${slots}`);
		return;
	}
	const other = byLayer.get(layer);
	byLayer.set(layer, entry);
	if (other === undefined) return;
	problems.add("LAYER_OVERLAP", entry, ["layer"], layer, `${other.file} runs on it too: divide it under ${slots}`);
	if (!isSameUnit(other.experiment, experiment)) {
		const fix = `${other.file} on the same layer hashes ${unitName(other.experiment)}; use the same unit`;
		problems.add("UNIT_TYPE_MIXED", entry, ["unit"], unitName(experiment), fix);
	}
}
