export {
	ArmspanProvider,
	type ArmspanProviderOptions,
	type FlagSource,
	type FlagSourceEvents,
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
