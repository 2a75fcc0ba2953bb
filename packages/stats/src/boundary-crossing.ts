import { BEFORE_FIRST_LOOK, continueTo, crossAbove, crossBelow } from "./continuation-density.ts";
import { normalUpperQuantile } from "./normal-tail.ts";
import { requireAlpha, requireArgument } from "./stats-error.ts";

/** Smallest step of information between two looks, relative to the later one, that the integration resolves. */
const SMALLEST_INCREMENT = 1e-5;

/** One look of a test that stops outside (lower, upper). */
export interface BoundedLook {
	/** Information, in any unit: > 0, rising from look to look. Usually 1/variance as a fraction of the planned one. */
	readonly information: number;
	/** z-score below which the test stops; −Infinity for none. */
	readonly lower: number;
	/** z-score above which the test stops; Infinity for none. */
	readonly upper: number;
}

/** Probabilities that a test stops at a look for the first time. */
export interface BoundaryCrossing {
	readonly upper: readonly number[];
	readonly lower: readonly number[];
}

/**
 * Where a normal test that is looked at several times stops, exactly: the joint distribution of its z-scores
 * integrated look by look (Armitage, McPherson, Rowe), to about 9 digits.
 *
 * @param drift expected z-score at information 1; 0 under the null
 * @throws {StatsError} INVALID_INFORMATION, INVALID_BOUND, INVALID_STATISTIC
 * @see Armitage, McPherson, Rowe 1969, JRSS A 132(2); Jennison, Turnbull 2000, §19.2
 */
export function boundaryCrossing(looks: readonly BoundedLook[], drift: number): BoundaryCrossing {
	requireArgument(Number.isFinite(drift), "INVALID_STATISTIC", "drift", drift, "a finite number");
	requireRising(looks.map(({ information }) => information));
	let density = BEFORE_FIRST_LOOK;
	const crossing: { upper: number[]; lower: number[] } = { upper: [], lower: [] };
	looks.forEach((look, index) => {
		requireArgument(look.lower <= look.upper, "INVALID_BOUNDS", "lower", look.lower, `at most upper (${look.upper})`);
		crossing.upper.push(crossAbove(density, look.information, look.upper, drift));
		crossing.lower.push(crossBelow(density, look.information, look.lower, drift));
		density = continueTo(density, look.information, look, drift, looks[index + 1]?.information);
	});
	return crossing;
}

/**
 * How often a fixed two-sided test at `alpha` errs when it is repeated at equally spaced looks until it rejects:
 * what peeking costs.
 *
 * @param looks integer in [1, 1000]
 * @throws {StatsError} INVALID_ALPHA, INVALID_LOOKS
 */
export function naivePeekingErrorRate(looks: number, alpha: number): number {
	requireAlpha(alpha);
	requireArgument(
		Number.isInteger(looks) && looks >= 1 && looks <= 1000,
		"INVALID_LOOKS",
		"looks",
		looks,
		"an integer in [1, 1000]",
	);
	const z = normalUpperQuantile(alpha / 2);
	const every = Array.from({ length: looks }, (_, index) => ({ information: index + 1, lower: -z, upper: z }));
	return 2 * boundaryCrossing(every, 0).upper.reduce((sum, probability) => sum + probability, 0);
}

/** @throws {StatsError} INVALID_INFORMATION */
export function requireRising(information: readonly number[]): void {
	information.forEach((now, index) => {
		const before = information[index - 1] ?? 0;
		requireArgument(
			now > 0 && Number.isFinite(now) && now - before >= SMALLEST_INCREMENT * now,
			"INVALID_INFORMATION",
			"information",
			now,
			`a finite number above that of the look before (${before})`,
		);
	});
}
