export {
	ArmspanProvider,
	type ArmspanProviderOptions,
	type BundleSource,
	type BundleSourceEvents,
	type TrackedEvent,
} from "./armspan-provider.ts";
export {
	ARMSPAN_REASON,
	type EvaluableBundle,
	evaluateFlag,
	type FlagContext,
	type FlagEvaluation,
	type FlagReason,
	type TargetingKeyUnit,
} from "./evaluate-flag.ts";
