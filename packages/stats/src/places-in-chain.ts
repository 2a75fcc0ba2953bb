import type { GroupSequentialLook } from "./group-sequential-boundary.ts";

/** Units in the two arms, > 0; of a share of units that only grows (conversions) n/(1 − share), see `placesInChain`. */
export interface ArmUnits {
	readonly control: number;
	readonly treatment: number;
}

type Informed = Pick<GroupSequentialLook, "informationFraction" | "units" | "level">;

/** Rises of information below this are rounding. */
const SMALLEST_RISE = 1e-4;

/** How a look stands to those before it. */
export interface PlaceInChain {
	/** `union`: it knows no more than a look before did, or values have moved since, so it has no place. */
	readonly basis: GroupSequentialLook["basis"];
	/** Of this look, as the integration is to see it; of a `union` look that of the last one with a place. */
	readonly information: number;
	/** That of the next look with a place. */
	readonly following: number | undefined;
}

/**
 * Which looks have a place in the joint distribution, and at which information J: scores of neighbours correlate by
 * ρ = √(J_j/J_k).
 *
 * The canonical form has ρ² = V_k/V_j. It holds where values are fixed when a unit comes, and where an estimate gets ever
 * better at telling the same thing (a mean per call of users who return). Where values of units that are there still
 * grow (calls per unit), it is too much, and bounds by too high a correlation are too low: alpha .05 becomes .064 at 5
 * looks, .075 at 10. An arm's sum n·mean grows by what comes; as long as a unit's future does not run against its past,
 * Cov(n_j·mean_j, n_k·mean_k) ≥ Var(n_j·mean_j), hence ρ ≥ min over arms (n_j/n_k) · √(V_j/V_k). Where units are known, ρ
 * is the lower of both. For values that are fixed on arrival both are √(n_j/n_k).
 *
 * Who has converted cannot do so again, so there the future does run against the past: Cov(X_j, X_k) = p_j(1 − p_k), which
 * is the same bound with n/(1 − p) for n.
 *
 * That bound in turn fails where young units catch up with old ones (many calls in the first days, few later): who has
 * little so far will get more. Then the level of both arms rises from look to look by more than new units explain, and a
 * look at which it has has no place: where `level` is known, such a look is `union`.
 *
 * Too low a correlation is safe: by Slepian's inequality the probability that one side's bounds are ever crossed falls
 * as correlations rise, and correlations of looks further apart are products of neighbours', which are lower bounds too.
 *
 * @see Slepian 1962, Bell System Technical Journal 41(2); Slud, Wei 1982, JASA 77(380) (correlations that are not
 *   canonical)
 */
export function placesInChain(looks: readonly Informed[]): PlaceInChain[] {
	let before: Informed | undefined;
	let information = 0;
	const places = looks.map((now) => {
		const rise = now.informationFraction - (before?.informationFraction ?? 0);
		if (rise < SMALLEST_RISE * now.informationFraction || hasMoved(before, now))
			return { basis: "union", information } as const;
		information = before === undefined ? now.informationFraction : information / squaredCorrelation(before, now);
		before = now;
		return { basis: "joint", information } as const;
	});
	return places.map((place, index) => ({
		...place,
		following: places.slice(index + 1).find(({ basis }) => basis === "joint")?.information,
	}));
}

/** Standard errors by which a level may move by the chance of who comes; what moves by less hardly adds to a variance. */
const CHANCE = 3;

/** Whether the level of both arms moved by more than new units explain: var(level now − level then) = V_now·(n_k/n_j − 1). */
function hasMoved(before: Informed | undefined, { level: now }: Informed): boolean {
	const then = before?.level ?? null;
	if (then === null || now === null) return false;
	return (now.value - then.value) ** 2 > CHANCE ** 2 * now.variance * Math.max(0, now.units / then.units - 1);
}

function squaredCorrelation(before: Informed, now: Informed): number {
	const canonical = before.informationFraction / now.informationFraction;
	if (before.units === null || now.units === null) return canonical;
	const grown = Math.min(before.units.control / now.units.control, before.units.treatment / now.units.treatment);
	return Math.min(canonical, grown ** 2 / canonical);
}
