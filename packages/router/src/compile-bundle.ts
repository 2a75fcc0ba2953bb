import {
	DEFAULT_VARIANT,
	type Experiment,
	HASH_VERSION,
	type RoutedStatus,
	type RoutingFile,
	type RoutingFlag,
} from "@armspan/schema";
import { canonicalJson } from "./canonical-json.ts";
import { checkInput, isRunning } from "./check-input.ts";
import { compileSharedEvaluators, compileTargeting, flagVariantKey } from "./compile-targeting.ts";
import { throwProblems } from "./errors.ts";
import type { CompileInput, ReleasedPrompt, RoutingBundle } from "./routing-bundle.ts";
import { RoutingTable } from "./routing-table.ts";

/** A published vector of MurmurHash3 (spaolacci/murmur3). */
const SELF_TEST = "hello, world=345750399";

/**
 * The routing bundle of an environment. Pure: the same input gives the same bytes.
 *
 * @throws {RouterError} with every problem at once, each with its file, field and fix
 */
export function compileBundle(input: CompileInput): RoutingBundle {
	throwProblems(checkInput(input).list);
	const { environment } = input;
	const running = input.experiments.map(({ experiment }) => experiment).filter((one) => isRunning(one, input.halted));
	const prompts = new Map<string, Uint8Array>();
	const flags: Record<string, RoutingFlag> = {};
	for (const [name, version] of Object.entries(environment.prompts)) {
		flags[name] = compileFlag(name, version, input, prompts);
	}
	const evaluators = compileSharedEvaluators(environment, running);
	const file: RoutingFile = {
		$schema: "https://flagd.dev/schema/v0/flags.json",
		metadata: {
			flagSetId: `armspan/${input.environmentName}`,
			version: String(input.revision),
			revision: input.revision,
			hash: HASH_VERSION,
			selfTest: SELF_TEST,
			sourceCommit: input.sourceCommit,
		},
		...(Object.keys(evaluators).length === 0 ? {} : { $evaluators: evaluators }),
		flags,
	};
	const json = canonicalJson(file);
	// What we write must pass our own reader, whatever was in the input.
	return { file: RoutingTable.load(JSON.parse(json)).file, json, prompts };
}

function compileFlag(
	name: string,
	version: string,
	input: CompileInput,
	prompts: Map<string, Uint8Array>,
): RoutingFlag {
	const use = (label: string): ReleasedPrompt => {
		const released = input.prompts.get(label)!;
		prompts.set(released.digest, released.bytes);
		return released;
	};
	const pinned = use(`${name}@${version}`);
	const variants: RoutingFlag["variants"] = {
		[DEFAULT_VARIANT]: {
			prompt: name,
			version,
			digest: pinned.digest,
			model: pinned.model,
			parameters: pinned.config,
			experiment: null,
			iteration: 0,
			variant: DEFAULT_VARIANT,
			enrolled: false,
		},
	};
	const experiment = experimentOf(name, input);
	if (experiment === undefined) {
		return { state: "ENABLED", defaultVariant: DEFAULT_VARIANT, variants, metadata: { unit: "user" } };
	}
	const status = statusOf(experiment, input);
	const metadata: RoutingFlag["metadata"] = {
		unit: experiment.unit,
		experiments: `${experiment.key}#${experiment.iteration}:${status}`,
		...(experiment.layer === undefined ? {} : { layer: experiment.layer }),
	};
	if (status !== "running") return { state: "ENABLED", defaultVariant: DEFAULT_VARIANT, variants, metadata };
	for (const variant of experiment.variants) {
		const released = use(`${name}@${variant.version}`);
		variants[flagVariantKey(experiment, variant.key)] = {
			prompt: name,
			version: variant.version,
			digest: released.digest,
			model: variant.model ?? released.model,
			parameters: { ...released.config, ...variant.config },
			experiment: experiment.key,
			iteration: experiment.iteration,
			variant: variant.key,
			enrolled: true,
		};
	}
	return {
		state: "ENABLED",
		defaultVariant: DEFAULT_VARIANT,
		variants,
		targeting: compileTargeting(experiment, input.environment),
		metadata,
	};
}

const PRECEDENCE: readonly RoutedStatus[] = ["running", "halted", "stopped"];

/** The experiment that the flag speaks of: the running one, else a halted one, else a stopped one; drafts never. */
function experimentOf(prompt: string, input: CompileInput): Experiment | undefined {
	return input.experiments
		.map(({ experiment }) => experiment)
		.filter((one) => one.prompt === prompt && one.status !== "draft")
		.sort((a, b) => {
			const byStatus = PRECEDENCE.indexOf(statusOf(a, input)) - PRECEDENCE.indexOf(statusOf(b, input));
			return byStatus === 0 ? (a.key < b.key ? -1 : 1) : byStatus;
		})[0];
}

function statusOf(experiment: Experiment, input: CompileInput): RoutedStatus {
	if (isRunning(experiment, input.halted)) return "running";
	return experiment.status === "stopped" ? "stopped" : "halted";
}
