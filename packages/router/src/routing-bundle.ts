import type { Environment, Experiment, ModelParameters, RoutingFile } from "@armspan/schema";

/** All that an application reads at run time: `routing.json` and every prompt file that it can lead to. */
export interface RoutingBundle {
	readonly file: RoutingFile;
	/** Canonical bytes of `routing.json`: the same input gives the same bytes. */
	readonly json: string;
	/** Digest → prompt file. */
	readonly prompts: ReadonlyMap<string, Uint8Array>;
}

/** A released version of a prompt, as the compiler needs it. */
export interface ReleasedPrompt {
	readonly bytes: Uint8Array;
	/** sha256 of the bytes. */
	readonly digest: string;
	readonly model: string;
	readonly config: ModelParameters;
}

/** Where something was written, for messages. */
export interface SourceFile {
	/** `experiments/polite.yaml` */
	readonly file: string;
	/** Line of the value under a path of keys, or of what is nearest around it; counts from 1. */
	readonly lineOf?: ((path: readonly (string | number)[]) => number) | undefined;
}

export interface ExperimentFile extends SourceFile {
	readonly experiment: Experiment;
}

export interface CompileInput {
	readonly environmentName: string;
	readonly environment: Environment;
	/** Lines of the environment's file, for messages. */
	readonly environmentLineOf?: SourceFile["lineOf"];
	readonly experiments: readonly ExperimentFile[];
	/** `name@version` → released prompt. */
	readonly prompts: ReadonlyMap<string, ReleasedPrompt>;
	/** Integer ≥ 1, above that of the bundle in use. */
	readonly revision: number;
	readonly sourceCommit: string;
	/** `key#iteration` of halts that git does not know yet. */
	readonly halted?: ReadonlySet<string> | undefined;
	/** The bundle in force: what would move units of an iteration that runs there is refused. */
	readonly previous?: RoutingFile | undefined;
}
