import { boundsAlong, type GroupSequentialDesign, type GroupSequentialLook } from "./group-sequential-boundary.ts";
import { monotoneRoot } from "./monotone-root.ts";

export interface RepeatedPValueOptions {
	readonly design: GroupSequentialDesign;
	/** The looks before, as they were handed to the test; their bounds are computed anew for each alpha. */
	readonly pastLooks: readonly GroupSequentialLook[];
	/** That of the result. */
	readonly look: GroupSequentialLook;
	readonly z: number;
}

/** Smaller ones are reported as this: the p-value is at most so much. */
const SMALLEST = 1e-15;

/**
 * Error rate of one side up to which every increment of the O'Brien–Fleming function grows with it: dα(t)/dα =
 * t^(−1/2)·exp(−z²_{α/2}(1/t − 1)/2) rises in t as long as z²_{α/2} > 1. Of the other functions, which are linear in α,
 * it holds throughout.
 */
const LARGEST_OF_ONE_SIDE = 0.3;

/**
 * Repeated p-value of a look: the smallest alpha at which the same test, with the same looks so far, would have rejected
 * here. Whatever number of looks is taken and wherever one stops, it falls to u or below with probability at most u
 * without an effect.
 *
 * As alpha grows every increment does, and tests that go on become fewer, so each bound falls: the rejections of
 * smaller alphas lie within those of larger ones, and the smallest one is found as a root. That is so up to alpha = 0.3 on each
 * side; what does not reject there has p = 1.
 *
 * @returns in (0, 1]; below `design.alpha` exactly when z rejects
 * @see Jennison, Turnbull 2000, Group Sequential Methods, §9.5
 */
export function repeatedPValue({ design, pastLooks, look, z }: RepeatedPValueOptions): number {
	const { alpha, sides, spending } = design;
	const reached = sides === 2 ? Math.abs(z) : z;
	const excess = (logLevel: number) => {
		const bounds = boundsAlong({ alpha: Math.exp(logLevel), sides, spending }, [...pastLooks, look]);
		return bounds.at(-1)!.efficacyBound - reached;
	};
	const rejects = reached >= look.efficacyBound;
	// The level that was tested at is known to reject or not to: so both always agree.
	const [low, high] = rejects ? [SMALLEST, alpha] : [alpha, LARGEST_OF_ONE_SIDE * sides];
	if (!(low < high)) return rejects ? low : 1;
	const [logLow, logHigh] = [Math.log(low), Math.log(high)];
	const [atLow, atHigh] = [excess(logLow), excess(logHigh)];
	if (rejects && atLow <= 0) return low;
	if (!rejects && atHigh > 0) return 1;
	// Of one sign, up to rounding, where z is the bound itself.
	const level = atLow > 0 && atHigh < 0 ? Math.exp(monotoneRoot(excess, logLow, logHigh)) : alpha;
	return rejects ? Math.min(level, alpha * (1 - 1e-12)) : Math.max(level, alpha * (1 + 1e-12));
}
