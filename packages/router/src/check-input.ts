import { createHash } from "node:crypto";
import type { Environment } from "@armspan/schema";
import { checkOverlap } from "./check-overlap.ts";
import { checkOverrides } from "./check-overrides.ts";
import { Problems } from "./problems.ts";
import type { CompileInput, ExperimentFile, SourceFile } from "./routing-bundle.ts";
import { isRunning, layerOf } from "./running-experiments.ts";
import { SHARE_STEPS, shareSteps } from "./shares.ts";
import { isSameUnit, unitName } from "./unit-name.ts";

/** File of the environment, for messages. */
export function environmentSource({ environmentName, environmentLineOf }: CompileInput): SourceFile {
	return { file: `environments/${environmentName}.yaml`, lineOf: environmentLineOf };
}

/** Everything that forbids a bundle. Drafts and finished experiments are not looked at, but for their keys. */
export function checkInput(input: CompileInput): Problems {
	const problems = new Problems();
	const environment = environmentSource(input);
	const running = input.experiments.filter(({ experiment }) => isRunning(experiment, input.halted));
	checkRevision(input, problems);
	checkDuplicates(input.experiments, problems);
	checkPins(input, environment, problems);
	checkEnvironment(input.environment, environment, problems);
	for (const file of running) {
		checkVersions(file, input, problems);
		checkUnit(file, input.environment, problems);
		checkShares(file, problems);
	}
	checkOverlap(running, input, problems);
	checkOverrides(input, environment, problems);
	return problems;
}

function checkRevision({ revision }: CompileInput, problems: Problems): void {
	if (Number.isSafeInteger(revision) && revision >= 1) return;
	problems.add(
		"REVISION_INVALID",
		{ file: "routing.json" },
		["metadata", "revision"],
		revision,
		"expected an integer ≥ 1",
	);
}

/** Two experiments of one key would share their salts, hence their coin flips. */
function checkDuplicates(experiments: readonly ExperimentFile[], problems: Problems): void {
	const seen = new Map<string, string>();
	for (const source of experiments) {
		const { key } = source.experiment;
		const first = seen.get(key);
		if (first === undefined) seen.set(key, source.file);
		else problems.add("DUPLICATE_KEY", source, ["key"], key, `already the key of ${first}; choose another`);
	}
}

function checkPins({ environment, prompts }: CompileInput, source: SourceFile, problems: Problems): void {
	const names = Object.entries(environment.prompts);
	if (names.length === 0) {
		problems.add("FLAGS_EMPTY", source, ["prompts"], {}, "pin at least one prompt");
	}
	for (const [name, version] of names) {
		const path = ["prompts", name];
		const released = prompts.get(`${name}@${version}`);
		if (released === undefined) {
			const known = versionsOf(name, prompts);
			if (known.length === 0)
				problems.add("PROMPT_UNKNOWN", source, path, name, "there is no released prompt of this name");
			else problems.add("VERSION_UNKNOWN", source, path, version, `released are ${known.join(", ")}`);
		}
	}
	for (const [label, { bytes, digest }] of prompts) {
		const actual = createHash("sha256").update(bytes).digest("hex");
		if (actual === digest) continue;
		problems.add("DIGEST_MISMATCH", { file: `prompts/${label}` }, ["digest"], digest, `its bytes hash to ${actual}`);
	}
}

function checkEnvironment(environment: Environment, source: SourceFile, problems: Problems): void {
	const tooFine = (path: readonly string[], share: number) =>
		problems.add("SHARE_TOO_FINE", source, path, share, "use steps of 0.00001");
	const { holdout } = environment;
	if (holdout !== undefined && shareSteps(holdout.share) === undefined) tooFine(["holdout", "share"], holdout.share);
	for (const [name, layer] of Object.entries(environment.layers)) {
		const path = ["layers", name, "slots"];
		let total = 0;
		for (const [slot, share] of Object.entries(layer.slots)) {
			const steps = shareSteps(share);
			if (steps === undefined) tooFine([...path, slot], share);
			total += steps ?? share * SHARE_STEPS;
		}
		if (total > SHARE_STEPS) {
			const fix = "the shares may add up to 1 at most";
			problems.add("SLOTS_EXCEED_LAYER", source, path, total / SHARE_STEPS, fix);
		}
	}
}

function checkVersions(source: ExperimentFile, input: CompileInput, problems: Problems): void {
	const { experiment } = source;
	const { environment, prompts } = input;
	const { file: environmentFile } = environmentSource(input);
	const pinned = Object.hasOwn(environment.prompts, experiment.prompt)
		? environment.prompts[experiment.prompt]
		: undefined;
	if (pinned === undefined) {
		const fix = `pin it under prompts in ${environmentFile}, or set the experiment's status to draft`;
		problems.add("PROMPT_UNKNOWN", source, ["prompt"], experiment.prompt, fix);
	}
	experiment.variants.forEach((variant, index) => {
		const path = ["variants", index, "version"];
		if (!prompts.has(`${experiment.prompt}@${variant.version}`)) {
			const known = versionsOf(experiment.prompt, prompts);
			const fix =
				known.length === 0 ? `no version of ${experiment.prompt} is released` : `released are ${known.join(", ")}`;
			problems.add("VERSION_UNKNOWN", source, path, variant.version, fix);
		}
		if (variant.key === "control" && pinned !== undefined && variant.version !== pinned) {
			const fix = `${environmentFile} pins ${pinned}; control is what units outside the experiment get`;
			problems.add("CONTROL_VERSION_DIFFERS", source, path, variant.version, fix);
		}
	});
}

/** One targeting key is hashed along the whole way, so holdout, layer and experiment need the same unit. */
function checkUnit(source: ExperimentFile, environment: Environment, problems: Problems): void {
	const { experiment } = source;
	const layer = layerOf(experiment, environment);
	if (layer !== undefined && !isSameUnit(layer, experiment)) {
		const fix = `the layer "${experiment.layer}" hashes ${unitName(layer)}; use the same unit`;
		problems.add("UNIT_TYPE_MIXED", source, ["unit"], unitName(experiment), fix);
	}
	const { holdout } = environment;
	if (holdout !== undefined && !isSameUnit(holdout, experiment)) {
		const fix = `the holdout "${holdout.key}" hashes ${unitName(holdout)}; use the same unit, or remove the holdout`;
		problems.add("UNIT_TYPE_MIXED", source, ["unit"], unitName(experiment), fix);
	}
}

function checkShares(source: ExperimentFile, problems: Problems): void {
	const { enrolled } = source.experiment.allocation;
	if (shareSteps(enrolled) !== undefined) return;
	problems.add("SHARE_TOO_FINE", source, ["allocation", "enrolled"], enrolled, "use steps of 0.00001");
}

function versionsOf(name: string, prompts: CompileInput["prompts"]): string[] {
	return [...prompts.keys()].filter((key) => key.startsWith(`${name}@`)).map((key) => key.slice(name.length + 1));
}
