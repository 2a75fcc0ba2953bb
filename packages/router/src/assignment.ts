import type { ModelParameters, UnitType } from "@armspan/schema";

/**
 * Why a unit got what it got.
 *
 * `split`: enrolled, by hash. `default`: the prompt has no experiment. `no-unit`: the call named no unit of the
 * experiment's type. `holdout`, `other-layer`, `audience`, `gate`: eligible for nothing, hence not enrolled.
 * `halted`, `stopped`: the experiment is over and everybody gets the default.
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
	| "stopped";

/** What a call gets. Frozen, and made once when the routing table is built. */
export interface Assignment {
	readonly promptName: string;
	/** `gen_ai.prompt.version` */
	readonly version: string;
	/** sha256 of the prompt file. */
	readonly digest: string;
	readonly model: string;
	readonly parameters: ModelParameters;
	/** `feature_flag.result.variant`: `default` or `<experiment>.<variant>`. */
	readonly flagVariant: string;
	/** Key of the arm, `default` when not enrolled. */
	readonly variant: string;
	readonly experiment: string | null;
	/** 0 when not enrolled. */
	readonly iteration: number;
	readonly enrolled: boolean;
	readonly unitType: UnitType;
	readonly reason: AssignmentReason;
}

/** Unit ids of a call; the prompt's flag names the one that is hashed. */
export interface Units {
	readonly user?: string | undefined;
	readonly session?: string | undefined;
	readonly request?: string | undefined;
}

/** What audiences may ask for. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;
