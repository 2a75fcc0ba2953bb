/** What the caller did wrong, for programs. Data that cannot be estimated are not errors: see `NotEstimable`. */
export type StatsErrorCode =
	| "INVALID_ALPHA"
	| "INVALID_SHARE"
	| "INVALID_SCALE"
	| "INVALID_PLANNED_UNITS"
	| "INVALID_MINIMUM_UNITS"
	| "INVALID_UNITS"
	| "INVALID_COUNT"
	| "INVALID_MARGIN"
	| "INVALID_PRIOR"
	| "INVALID_TUNING"
	| "INVALID_STATISTIC"
	| "INVALID_INFORMATION"
	| "INVALID_SPENDING"
	| "INVALID_LOOKS"
	| "INVALID_SIDES"
	| "INVALID_PLANNED_VARIANCE"
	| "INVALID_LEDGER"
	| "INVALID_GRID"
	| "INVALID_ARMS"
	| "INVALID_DRAWS"
	| "INVALID_RANDOM"
	| "INVALID_SCHEDULE"
	| "INVALID_ALLOCATION"
	| "INVALID_LEVEL"
	| "INVALID_CAP"
	| "INVALID_WEIGHT"
	| "INVALID_P_VALUE"
	| "INVALID_ESTIMATE"
	| "INVALID_BOUNDS"
	| "INVALID_EFFECT"
	| "INVALID_POWER"
	| "INVALID_INFLATION"
	| "INVALID_TRAFFIC"
	| "DISPLAY_ONLY"
	| "ARMS_DIFFER"
	| "MIXED_QUANTITIES";

export interface StatsErrorDetails {
	/** Name of the argument that was refused. */
	readonly field: string;
	readonly value: unknown;
}

/** Everything this package throws on purpose: an argument outside its domain. */
export class StatsError extends Error {
	override readonly name = "StatsError";
	readonly code: StatsErrorCode;
	readonly details: StatsErrorDetails;

	constructor(code: StatsErrorCode, message: string, details: StatsErrorDetails, cause?: unknown) {
		super(message, cause === undefined ? undefined : { cause });
		this.code = code;
		this.details = details;
	}
}

/** Throws unless `accepted`; the message names the argument, its value and what was expected. */
export function requireArgument(
	accepted: boolean,
	code: StatsErrorCode,
	field: string,
	value: unknown,
	expected: string,
): void {
	if (!accepted) {
		throw new StatsError(code, `invalid ${field}: ${String(value)}; expected ${expected}`, { field, value });
	}
}

/** A significance level: in (0, 1). */
export function requireAlpha(alpha: number): void {
	requireArgument(alpha > 0 && alpha < 1, "INVALID_ALPHA", "alpha", alpha, "a number in (0, 1)");
}

/** Standard errors to either side of an estimate: finite and > 0. */
export function requireMultiplier(multiplier: number): void {
	requireArgument(
		multiplier > 0 && multiplier < Number.POSITIVE_INFINITY,
		"INVALID_STATISTIC",
		"multiplier",
		multiplier,
		"a finite number > 0",
	);
}

/** p-values: each in [0, 1]. */
export function requirePValues(pValues: readonly number[]): void {
	pValues.forEach((pValue, position) => {
		requireArgument(
			pValue >= 0 && pValue <= 1,
			"INVALID_P_VALUE",
			`pValues[${position}]`,
			pValue,
			"a number in [0, 1]",
		);
	});
}

/** Natural logarithm of an e-value: any number, or an infinity. */
export function requireLogEValue(logEValue: number, field: string): void {
	requireArgument(!Number.isNaN(logEValue), "INVALID_STATISTIC", field, logEValue, "the logarithm of an e-value");
}
