import { createHash } from "node:crypto";
import type { Environment, Experiment } from "@armspan/schema";
import { Problems } from "./problems.ts";
import type { CompileInput, ExperimentFile } from "./routing-bundle.ts";
import { SHARE_STEPS, shareSteps } from "./shares.ts";

/** Whether this iteration enrols units: git says so, and no halt that git does not know yet says otherwise. */
export function isRunning(experiment: Experiment, halted: ReadonlySet<string> | undefined): boolean {
	return experiment.status === "running" && halted?.has(`${experiment.key}#${experiment.iteration}`) !== true;
}

function environmentFile(environmentName: string): string {
	return `environments/${environmentName}.yaml`;
}

/** Everything that forbids a bundle. Drafts and finished experiments are not looked at, but for their keys. */
export function checkInput(input: CompileInput): Problems {
	const problems = new Problems();
	const running = input.experiments.filter(({ experiment }) => isRunning(experiment, input.halted));
	checkRevision(input, problems);
	checkDuplicates(input.experiments, problems);
	checkPins(input, problems);
	checkEnvironment(input, problems);
	for (const file of running) {
		checkVersions(file, input, problems);
		checkUnit(file, input.environment, problems);
		checkShares(file, problems);
	}
	checkOverlap(running, input, problems);
	return problems;
}

function checkRevision({ revision }: CompileInput, problems: Problems): void {
	if (Number.isSafeInteger(revision) && revision >= 1) return;
	problems.add("REVISION_INVALID", "routing.json", "metadata.revision", revision, "expected an integer ≥ 1");
}

/** Two experiments of one key would share their salts, hence their coin flips. */
function checkDuplicates(experiments: readonly ExperimentFile[], problems: Problems): void {
	const seen = new Map<string, string>();
	for (const { file, experiment } of experiments) {
		const first = seen.get(experiment.key);
		if (first === undefined) seen.set(experiment.key, file);
		else problems.add("DUPLICATE_KEY", file, "key", experiment.key, `already the key of ${first}; choose another`);
	}
}

function checkPins({ environment, environmentName, prompts }: CompileInput, problems: Problems): void {
	const file = environmentFile(environmentName);
	const names = Object.entries(environment.prompts);
	if (names.length === 0) {
		problems.add("FLAGS_EMPTY", file, "prompts", {}, "pin at least one prompt");
	}
	for (const [name, version] of names) {
		const field = `prompts.${name}`;
		const released = prompts.get(`${name}@${version}`);
		if (released === undefined) {
			const known = versionsOf(name, prompts);
			if (known.length === 0)
				problems.add("PROMPT_UNKNOWN", file, field, name, "there is no released prompt of this name");
			else problems.add("VERSION_UNKNOWN", file, field, version, `released are ${known.join(", ")}`);
		}
	}
	for (const [label, { bytes, digest }] of prompts) {
		const actual = createHash("sha256").update(bytes).digest("hex");
		if (actual === digest) continue;
		problems.add("DIGEST_MISMATCH", `prompts/${label}`, "digest", digest, `its bytes hash to ${actual}`);
	}
}

function checkEnvironment({ environment, environmentName }: CompileInput, problems: Problems): void {
	const file = environmentFile(environmentName);
	if (environment.holdout !== undefined && shareSteps(environment.holdout.share) === undefined) {
		problems.add("SHARE_TOO_FINE", file, "holdout.share", environment.holdout.share, "use steps of 0.00001");
	}
	for (const [name, layer] of Object.entries(environment.layers)) {
		const field = `layers.${name}.slots`;
		let total = 0;
		for (const [slot, share] of Object.entries(layer.slots)) {
			const steps = shareSteps(share);
			if (steps === undefined) problems.add("SHARE_TOO_FINE", file, `${field}.${slot}`, share, "use steps of 0.00001");
			total += steps ?? share * SHARE_STEPS;
		}
		if (total > SHARE_STEPS) {
			problems.add("SLOTS_EXCEED_LAYER", file, field, total / SHARE_STEPS, "the shares may add up to 1 at most");
		}
	}
}

function checkVersions({ file, experiment }: ExperimentFile, input: CompileInput, problems: Problems): void {
	const { environment, environmentName, prompts } = input;
	const pinned = Object.hasOwn(environment.prompts, experiment.prompt)
		? environment.prompts[experiment.prompt]
		: undefined;
	if (pinned === undefined) {
		const fix = `pin it under prompts in ${environmentFile(environmentName)}, or set the experiment's status to draft`;
		problems.add("PROMPT_UNKNOWN", file, "prompt", experiment.prompt, fix);
	}
	experiment.variants.forEach((variant, index) => {
		const field = `variants[${index}].version`;
		if (!prompts.has(`${experiment.prompt}@${variant.version}`)) {
			const known = versionsOf(experiment.prompt, prompts);
			const fix =
				known.length === 0 ? `no version of ${experiment.prompt} is released` : `released are ${known.join(", ")}`;
			problems.add("VERSION_UNKNOWN", file, field, variant.version, fix);
		}
		if (variant.key === "control" && pinned !== undefined && variant.version !== pinned) {
			const fix = `${environmentFile(environmentName)} pins ${pinned}; control is what units outside the experiment get`;
			problems.add("CONTROL_VERSION_DIFFERS", file, field, variant.version, fix);
		}
	});
}

/** One targeting key is hashed along the whole way, so holdout, layer and experiment need the same unit. */
function checkUnit({ file, experiment }: ExperimentFile, environment: Environment, problems: Problems): void {
	const layer = layerOf(experiment, environment);
	if (layer !== undefined && layer.unit !== experiment.unit) {
		const fix = `the layer "${experiment.layer}" hashes ${layer.unit}; use the same unit`;
		problems.add("UNIT_TYPE_MIXED", file, "unit", experiment.unit, fix);
	}
	const { holdout } = environment;
	if (holdout !== undefined && holdout.unit !== experiment.unit) {
		const fix = `the holdout "${holdout.key}" hashes ${holdout.unit}; use the same unit, or remove the holdout`;
		problems.add("UNIT_TYPE_MIXED", file, "unit", experiment.unit, fix);
	}
}

function checkShares({ file, experiment }: ExperimentFile, problems: Problems): void {
	const { enrolled } = experiment.allocation;
	if (shareSteps(enrolled) !== undefined) return;
	problems.add("SHARE_TOO_FINE", file, "allocation.enrolled", enrolled, "use steps of 0.00001");
}

function checkOverlap(running: readonly ExperimentFile[], input: CompileInput, problems: Problems): void {
	const { environment, environmentName } = input;
	const byPrompt = new Map<string, ExperimentFile>();
	const byLayer = new Map<string, ExperimentFile>();
	for (const entry of running) {
		const { file, experiment } = entry;
		const samePrompt = byPrompt.get(experiment.prompt);
		if (samePrompt !== undefined) {
			const fix = `${samePrompt.file} runs on the same prompt; a call can be in one experiment: stop one of them`;
			problems.add("PROMPT_OVERLAP", file, "prompt", experiment.prompt, fix);
		}
		byPrompt.set(experiment.prompt, entry);
		if (experiment.layer === undefined) continue;
		const layer = layerOf(experiment, environment);
		if (layer !== undefined) {
			if ((layer.slots[experiment.key] ?? 0) > 0) continue;
			const fix = `give ${experiment.key} a share under layers.${experiment.layer}.slots in ${environmentFile(environmentName)}`;
			problems.add("SLOT_MISSING", file, "layer", experiment.layer, fix);
			continue;
		}
		const sameLayer = byLayer.get(experiment.layer);
		if (sameLayer !== undefined) {
			const slots = `layers.${experiment.layer}.slots in ${environmentFile(environmentName)}`;
			problems.add(
				"LAYER_OVERLAP",
				file,
				"layer",
				experiment.layer,
				`${sameLayer.file} runs on it too: divide it under ${slots}`,
			);
			if (sameLayer.experiment.unit !== experiment.unit) {
				const fix = `${sameLayer.file} on the same layer hashes ${sameLayer.experiment.unit}; use the same unit`;
				problems.add("UNIT_TYPE_MIXED", file, "unit", experiment.unit, fix);
			}
		}
		byLayer.set(experiment.layer, entry);
	}
}

/** The layer as the environment divides it, if it does. */
export function layerOf(experiment: Experiment, environment: Environment): Environment["layers"][string] | undefined {
	if (experiment.layer === undefined || !Object.hasOwn(environment.layers, experiment.layer)) return undefined;
	return environment.layers[experiment.layer];
}

function versionsOf(name: string, prompts: CompileInput["prompts"]): string[] {
	return [...prompts.keys()].filter((key) => key.startsWith(`${name}@`)).map((key) => key.slice(name.length + 1));
}
