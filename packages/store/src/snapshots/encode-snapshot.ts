import type { Insertion } from "../connection.ts";
import type { Snapshot, SnapshotArm } from "./snapshot.ts";

type Column<Source> = readonly [column: string, value: (source: Source) => string | number | boolean | null];

const LOOK_COLUMNS: readonly Column<Snapshot>[] = [
	["experiment", ({ experiment }) => experiment],
	["iteration", ({ iteration }) => iteration],
	["environment", ({ environment }) => environment],
	["look_at", ({ lookAt }) => milliseconds(lookAt)],
	["kind", ({ kind }) => kind],
	["keep", ({ keep }) => keep],
	["computed_at", ({ computedAt }) => milliseconds(computedAt)],
	["prompt", ({ prompt }) => prompt],
	["status", ({ status }) => status],
	["verdict", ({ verdict }) => verdict],
	["inference", ({ inference }) => inference],
	["excluded_units", ({ excludedUnits }) => excludedUnits],
	["immature_units", ({ immatureUnits }) => immatureUnits],
	["sample_ratio_p_value", ({ sampleRatioPValue }) => sampleRatioPValue],
	["sample_ratio_mismatch", ({ sampleRatioMismatch }) => sampleRatioMismatch],
	["newest_call_at", ({ newestCallAt }) => (newestCallAt === null ? null : milliseconds(newestCallAt))],
	["code_version", ({ codeVersion }) => codeVersion],
];

const ARM_COLUMNS: readonly Column<SnapshotArm>[] = [
	["metric", ({ metric }) => metric],
	["variant", ({ variant }) => variant],
	["arm", ({ arm }) => arm],
	["prompt_version", ({ promptVersion }) => promptVersion],
	["weight", ({ weight }) => weight],
	["arm_units", ({ armUnits }) => armUnits],
	["arm_calls", ({ armCalls }) => armCalls],
	["undelivered_calls", ({ undeliveredCalls }) => undeliveredCalls],
	["quarantined_calls", ({ quarantinedCalls }) => quarantinedCalls],
	["arm_verdict", ({ armVerdict }) => armVerdict],
	["role", ({ role }) => role],
	["direction", ({ direction }) => direction],
	["metric_unit", ({ metricUnit }) => metricUnit],
	["units", ({ units }) => units],
	["observations", ({ observations }) => observations],
	["estimate", ({ estimate }) => estimate],
	["standard_error", ({ standardError }) => standardError],
	["against", ({ against }) => against],
	["effect", ({ effect }) => effect],
	["effect_lower", ({ effectLower }) => effectLower],
	["effect_upper", ({ effectUpper }) => effectUpper],
	["relative_effect", ({ relativeEffect }) => relativeEffect],
	["relative_lower", ({ relativeLower }) => relativeLower],
	["relative_upper", ({ relativeUpper }) => relativeUpper],
	["not_estimable", ({ notEstimable }) => notEstimable],
	["level", ({ level }) => level],
	["basis", ({ basis }) => basis],
	["p_value", ({ pValue }) => pValue],
	["conclusion", ({ conclusion }) => conclusion],
	["guardrail_status", ({ guardrailStatus }) => guardrailStatus],
	["guardrail_on_breach", ({ guardrailOnBreach }) => guardrailOnBreach],
	["guardrail_margin", ({ guardrailMargin }) => guardrailMargin],
	["guardrail_log_e_value", ({ guardrailLogEValue }) => guardrailLogEValue],
	["guardrail_log_threshold", ({ guardrailLogThreshold }) => guardrailLogThreshold],
	["non_inferiority_p_value", ({ nonInferiorityPValue }) => nonInferiorityPValue],
];

/** One INSERT for a look, so that it is there as a whole or not at all. */
export function encodeSnapshot(snapshot: Snapshot): Insertion {
	const look = LOOK_COLUMNS.map(([, value]) => value(snapshot));
	const lines = snapshot.arms.map((arm) => JSON.stringify([...look, ...ARM_COLUMNS.map(([, value]) => value(arm))]));
	return {
		table: "snapshots",
		columns: [...LOOK_COLUMNS, ...ARM_COLUMNS].map(([column]) => column),
		body: Buffer.from(`${lines.join("\n")}\n`),
	};
}

/** What DateTime64(3) is read from, as `appendDecision` does. */
function milliseconds(date: Date): string {
	return String(date.getTime());
}
