import { normalUpperQuantile } from "./normal-tail.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { requireAlpha } from "./stats-error.ts";

/** Units and how many of them did it; they add up over any parts that share no unit. */
export interface ProportionCounts {
	readonly units: number | bigint;
	readonly successes: number | bigint;
}

export interface ProportionEstimateOptions {
	/** Error rate of the interval, in (0, 1). */
	readonly alpha: number;
}

/** A share of units with its Wilson interval. */
export interface ProportionEstimate {
	readonly kind: "estimated";
	readonly value: number;
	/** p(1−p)/K */
	readonly variance: number;
	readonly units: number;
	readonly lower: number;
	readonly upper: number;
}

/**
 * Share of units that did something, with Wilson's score interval: inside [0, 1], and not a point where none or all did.
 *
 * @returns not-estimable for fewer than two units, or counts that no data can have
 * @throws {StatsError} INVALID_ALPHA
 * @see Wilson 1927; Brown, Cai, DasGupta 2001, Statist. Sci. 16
 */
export function proportionEstimate(
	counts: ProportionCounts,
	options: ProportionEstimateOptions,
): ProportionEstimate | NotEstimable {
	requireAlpha(options.alpha);
	const refused = refuseCounts(counts);
	if (refused !== null) return refused;
	const [units, successes] = [Number(counts.units), Number(counts.successes)];
	const value = successes / units;
	const variance = (value * ((units - successes) / units)) / units;
	const [lower, upper] = wilsonInterval(units, successes, normalUpperQuantile(options.alpha / 2));
	return { kind: "estimated", value, variance, units, lower, upper };
}

/** Solutions of |p̂ − p| = z·√(p(1−p)/n), in forms without cancellation at either end. */
export function wilsonInterval(units: number, successes: number, z: number): [lower: number, upper: number] {
	const failures = units - successes;
	const spread = z * Math.sqrt(successes * (failures / units) + (z * z) / 4);
	const size = units + z * z;
	// The roots multiply to x²/(n(n+z²)), those of the failures likewise.
	const upper = successes + (z * z) / 2 + spread;
	const upperOfFailures = failures + (z * z) / 2 + spread;
	const lower = successes * (successes / units / upper);
	const clipped = upper > upperOfFailures ? 1 - failures * (failures / units / upperOfFailures) : upper / size;
	return [lower, clipped];
}

/** Why these counts say nothing, or `null`. */
function refuseCounts({ units, successes }: ProportionCounts): NotEstimable | null {
	if (![units, successes].every((count) => Number.isFinite(Number(count)))) {
		return notEstimable("non-finite", "The counts are not finite numbers.");
	}
	const whole = [units, successes].every((count) => typeof count === "bigint" || Number.isInteger(count));
	if (!whole || successes < 0 || successes > units) {
		return notEstimable("impossible-sums", "Counts must be whole, not negative, and no more successes than units.");
	}
	if (units < 2) {
		return notEstimable("too-few-units", `A proportion needs two units; there ${units < 1 ? "is none" : "is one"}.`);
	}
	return null;
}
