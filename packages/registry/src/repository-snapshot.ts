import type { Environment, Experiment, MetricDefinition, ModelParameters } from "@armspan/schema";

/** Line, from 1, of the value under a path of keys, or of what is nearest around it. */
export type LineOf = (path: readonly (string | number)[]) => number;

/** `experiments/<key>.yaml` as committed. */
export interface ExperimentFile {
	/** Path inside the repository, with `/`. */
	readonly file: string;
	/** sha256 of the file's bytes, 64 hex digits. */
	readonly digest: string;
	/** With the definitions of all metrics that it names, those of `metrics/` too. */
	readonly experiment: Experiment;
	readonly lineOf: LineOf;
}

/** `environments/<name>.yaml` as committed. */
export interface EnvironmentFile {
	readonly name: string;
	readonly file: string;
	readonly environment: Environment;
	readonly lineOf: LineOf;
}

/** `metrics/<key>.yaml` as committed. */
export interface MetricFile {
	readonly file: string;
	readonly metric: MetricDefinition;
	readonly lineOf: LineOf;
}

/** A prompt file under an annotated tag `prompts/<name>@<version>`. */
export interface ReleasedPrompt {
	readonly bytes: Uint8Array;
	/** sha256 of the bytes, 64 hex digits: the version's identity. */
	readonly digest: string;
	readonly model: string;
	readonly config: ModelParameters;
	/** Path inside the repository at the released commit. */
	readonly file: string;
}

/** What a commit intends. Work tree and index play no part in it. */
export interface RepositorySnapshot {
	/** Full object id. */
	readonly commit: string;
	/** Sorted by file. */
	readonly experiments: readonly ExperimentFile[];
	/** Sorted by file. */
	readonly environments: readonly EnvironmentFile[];
	/** Sorted by file; also those that no experiment names. */
	readonly metrics: readonly MetricFile[];
	/**
	 * Released versions that an environment or an experiment of this snapshot names, under `name@version`.
	 * A draft may name a version that is not released yet; that version is then not in the map.
	 */
	readonly releases: ReadonlyMap<string, ReleasedPrompt>;
}
