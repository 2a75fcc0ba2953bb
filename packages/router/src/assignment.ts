import type { ModelParameters, RoutingShadow, UnitType } from "@armspan/schema";

/**
 * Why a unit got what it got.
 *
 * `split`: enrolled, by hash. `default`: the prompt has no experiment. `no-unit`: the call named no unit of the
 * experiment's type. `holdout`, `other-layer`, `audience`, `gate`: eligible for nothing, hence not enrolled.
 * `halted`, `stopped`: the experiment is over and everybody gets the default. `override`: an arm by name, not enrolled.
 * `shadow`: the default, and a treatment runs beside it; not enrolled.
 */
export type AssignmentReason =
	| "split"
	| "default"
	| "no-unit"
	| "holdout"
	| "other-layer"
	| "audience"
	| "gate"
	| "halted"
	| "stopped"
	| "override"
	| "shadow";

/** What a call gets. Frozen, and made once when the routing table is built. */
export interface Assignment {
	readonly promptName: string;
	/** `gen_ai.prompt.version` */
	readonly version: string;
	/** sha256 of the prompt file. */
	readonly digest: string;
	readonly model: string;
	readonly parameters: ModelParameters;
	/** `feature_flag.result.variant`: `default`, `<experiment>.<variant>`, or that with `.override` or `.shadow`. */
	readonly flagVariant: string;
	/** Key of the arm that is delivered; `default` when the default version is. */
	readonly variant: string;
	/** Also set for an override and for a shadow, which are not enrolled. */
	readonly experiment: string | null;
	/** 0 without an experiment. */
	readonly iteration: number;
	readonly enrolled: boolean;
	/** What runs beside the answer, to be shown to nobody. */
	readonly shadow: Readonly<RoutingShadow> | undefined;
	readonly unitType: UnitType;
	readonly reason: AssignmentReason;
}

/** Unit ids of a call; the prompt's flag names the one that is hashed. */
export interface Units {
	readonly user?: string | undefined;
	readonly session?: string | undefined;
	readonly request?: string | undefined;
}

/** What audiences may ask for, and what may be randomized instead of a user. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;
