import type { IterationKey } from "../store.ts";

/** How long a look is kept: a day, 30 days, or for ever. */
export type SnapshotKeep = "day" | "month" | "ever";

/** One metric of one arm as the analysis gave it at a look; names are the columns of `snapshots`, where they are explained. */
export interface SnapshotArm {
	metric: string;
	variant: string;
	arm: "control" | "treatment";
	promptVersion: string;
	weight: number;
	armUnits: number;
	armCalls: number;
	undeliveredCalls: number;
	quarantinedCalls: number;
	/** `""` for control. */
	armVerdict: string;
	role: string;
	direction: string;
	metricUnit: string;
	units: number;
	observations: number;
	estimate: number | null;
	standardError: number | null;
	/** `""` for control. */
	against: string;
	/** `null`: could not be estimated. A bound of `null` beside an effect is unbounded. */
	effect: number | null;
	effectLower: number | null;
	effectUpper: number | null;
	relativeEffect: number | null;
	relativeLower: number | null;
	relativeUpper: number | null;
	/** Reason; `""` where both effects are estimated. */
	notEstimable: string;
	level: number | null;
	basis: string;
	pValue: number | null;
	conclusion: string;
	/** `""` where the metric is no guardrail of the arm. */
	guardrailStatus: string;
	guardrailOnBreach: string;
	guardrailMargin: number | null;
	guardrailLogEValue: number | null;
	guardrailLogThreshold: number | null;
	nonInferiorityPValue: number | null;
}

/** What the analysis said of an iteration at one look. The look is its identity: written again, it replaces itself. */
export interface Snapshot extends Required<IterationKey> {
	lookAt: Date;
	/** `final`: the last look at an iteration that was halted or stopped. */
	kind: "look" | "final";
	keep: SnapshotKeep;
	computedAt: Date;
	prompt: string;
	status: string;
	verdict: string;
	inference: string;
	excludedUnits: number;
	immatureUnits: number;
	sampleRatioPValue: number | null;
	sampleRatioMismatch: boolean;
	newestCallAt: Date | null;
	codeVersion: string;
	arms: readonly SnapshotArm[];
}

/** A look that was written. */
export interface WrittenLook {
	lookAt: Date;
	kind: Snapshot["kind"];
}
