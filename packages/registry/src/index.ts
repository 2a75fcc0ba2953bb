export { type BegunIteration, type DesignChange, designChanges } from "./design-changes.ts";
export { initRepository } from "./init-repository.ts";
export { openRegistry } from "./open-registry.ts";
export type {
	Author,
	CommitDescription,
	CommitHistory,
	ExperimentChange,
	PromptRelease,
	Registry,
} from "./registry.ts";
export type { RegistryErrorCode, RegistryErrorDetails, RepositoryIssue } from "./registry-error.ts";
export { RegistryError } from "./registry-error.ts";
export type {
	EnvironmentFile,
	ExperimentFile,
	LineOf,
	MetricFile,
	ReleasedPrompt,
	RepositorySnapshot,
} from "./repository-snapshot.ts";
