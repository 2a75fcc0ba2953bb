import type { UnitType } from "@armspan/schema";
import type { Assignment } from "./assignment.ts";
import type { Draw } from "./fractional.ts";

/** A rule that a unit met on its way. */
export interface ExplanationStep {
	readonly rule: "unit" | "override" | "holdout" | "layer" | "audience" | "gate" | "arm" | "status";
	/** Node of `routing.json`. */
	readonly path: string;
	/**
	 * `unit`: `present`, `absent`. `override`: `named`, `not-named`. `holdout`, `gate`: `inside`, `outside`. `layer`: the
	 * slot. `audience`: `met`, `not-met`. `arm`: the flag's variant. `status`: `none`, `halted`, `stopped`.
	 */
	readonly outcome: string;
	/** The hash behind it, where there is one. */
	readonly draw?: Draw;
	/** The attribute behind it, where there is one; `found` is `undefined` when the call has none of this name. */
	readonly attribute?: { readonly name: string; readonly found: unknown; readonly expected: string };
	readonly sentence: string;
}

/** Why a unit gets what it gets. */
export interface Explanation {
	readonly promptName: string;
	readonly unitType: UnitType;
	/** Attribute that is randomized, for unit type `attribute`. */
	readonly unitAttribute: string | undefined;
	/** As the call gave it; `undefined` is no unit. */
	readonly unitId: string | undefined;
	/** As it is hashed; printable ASCII, empty for no unit. */
	readonly routableUnitId: string;
	/** In the order in which they were met. */
	readonly steps: readonly ExplanationStep[];
	/** Exactly what `assign` gives. */
	readonly assignment: Assignment;
	/** The outcome in words. */
	readonly sentence: string;
}

/** Collects steps; a rule that several branches ask about is met once. */
export class Trail {
	readonly steps: ExplanationStep[] = [];

	add(step: ExplanationStep): void {
		if (!this.steps.some(({ rule, path }) => rule === step.rule && path === step.path)) this.steps.push(step);
	}
}

/** `murmur3("polite.1.gate:u-17") = 2847113207, bucket 66290 of 100000, in [0, 70000)` */
export function describeDraw({ salt, hash, bucket, total, from, to }: Draw, routableId: string): string {
	const input = JSON.stringify(`${salt}:${routableId}`);
	return `murmur3(${input}) = ${hash}, bucket ${bucket} of ${total}, in [${from}, ${to})`;
}

/** `polite.polite: version 1.1.0, enrolled` */
export function describeAssignment(assignment: Assignment): string {
	const { flagVariant, version, model, enrolled, reason, shadow } = assignment;
	const beside = shadow === undefined ? "" : `; version ${shadow.version} (${shadow.model}) runs in its shadow`;
	return `${flagVariant}: version ${version} (${model}), ${enrolled ? "enrolled" : "not enrolled"} (${reason})${beside}`;
}
