export {
	type AnalyzeExperimentOptions,
	analyzeExperiment,
	iterationStart,
	routedAfterHalt,
} from "./analyze-experiment.ts";
export {
	type CheckGuardrailsOptions,
	checkGuardrails,
	type GuardrailCheck,
	GuardrailInputs,
	guardrailStatistic,
	replayDecision,
} from "./guardrail-check.ts";
export { type DecisionContext, guardrailDecision, startDecision } from "./guardrail-decision.ts";
export { changedFields, type IterationDesign, recordedDesign } from "./iteration-design.ts";
