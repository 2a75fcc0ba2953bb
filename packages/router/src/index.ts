export type { RoutingBytes, Trust } from "./adapters/accept-routing.ts";
export type { BundleSource, BundleSourceOptions, SourceProblemCode } from "./adapters/bundle-source.ts";
export { BundleWatcher, type BundleWatcherOptions } from "./adapters/bundle-watcher.ts";
export { HttpBundleSource, type HttpBundleSourceOptions } from "./adapters/http-bundle-source.ts";
export { type LoadedBundle, readBundle, readRoutingBytes } from "./adapters/read-bundle.ts";
export { isSigned, readPrivateKey, readPublicKeys, signRouting } from "./adapters/routing-signature.ts";
export { revisionOnDisk, signBundle, type WriteBundleOptions, writeBundle } from "./adapters/write-bundle.ts";
export type { Assignment, AssignmentReason, Attributes, Units } from "./assignment.ts";
export { compileBundle } from "./compile-bundle.ts";
export { RouterError, type RouterErrorCode, type RouterProblem } from "./errors.ts";
export type { Explanation, ExplanationStep } from "./explanation.ts";
export type { Draw } from "./fractional.ts";
export { murmur3 } from "./murmur3.ts";
export {
	type EvaluableBundle,
	evaluateFlag,
	type FlagContext,
	type FlagEvaluation,
	type FlagReason,
} from "./openfeature/evaluate-flag.ts";
export { readUnitId } from "./read-unit-id.ts";
export { routableUnitId } from "./routable-unit-id.ts";
export type { CompileInput, ExperimentFile, ReleasedPrompt, RoutingBundle } from "./routing-bundle.ts";
export { RoutingTable } from "./routing-table.ts";
