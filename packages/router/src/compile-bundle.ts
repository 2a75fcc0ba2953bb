import { DEFAULT_VARIANT, HASH_VERSION, type RoutingFile, type RoutingFlag } from "@armspan/schema";
import { canonicalJson } from "./canonical-json.ts";
import { checkInput } from "./check-input.ts";
import { checkPrevious } from "./check-previous.ts";
import { compileSharedEvaluators, compileTargeting } from "./compile-targeting.ts";
import { defaultVariant, experimentVariants } from "./compile-variants.ts";
import { throwProblems } from "./errors.ts";
import type { CompileInput, ReleasedPrompt, RoutingBundle } from "./routing-bundle.ts";
import { RoutingTable } from "./routing-table.ts";
import { experimentsOf, isRunning, routedStatus } from "./running-experiments.ts";

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
	if (input.previous !== undefined) throwProblems(checkPrevious(input, input.previous, file).list);
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
	const use = (of: string): ReleasedPrompt => {
		const released = input.prompts.get(`${name}@${of}`)!;
		prompts.set(released.digest, released.bytes);
		return released;
	};
	const standard = defaultVariant(name, version, use(version));
	const flag: RoutingFlag = {
		state: "ENABLED",
		defaultVariant: DEFAULT_VARIANT,
		variants: { [DEFAULT_VARIANT]: standard },
		metadata: { unit: "user" },
	};
	const experiments = experimentsOf(name, input);
	const [first] = experiments;
	if (first === undefined) return flag;
	const { unit, unitAttribute, layer } = first;
	flag.metadata = {
		unit,
		...(unitAttribute === undefined ? {} : { unitAttribute }),
		...(layer === undefined ? {} : { layer }),
		experiments: experiments.map((one) => `${one.key}#${one.iteration}:${routedStatus(one, input.halted)}`).join(" "),
	};
	const running = experiments.filter((one) => isRunning(one, input.halted));
	if (running.length === 0) return flag;
	const segments = running.filter((one) => one.segments.length > 0);
	if (segments.length > 0) {
		flag.metadata.segments = segments.map((one) => `${one.key}:${one.segments.join(",")}`).join(" ");
	}
	for (const one of running) {
		Object.assign(flag.variants, experimentVariants(one, input.environment, standard, use));
	}
	flag.targeting = compileTargeting(experiments, input);
	return flag;
}
