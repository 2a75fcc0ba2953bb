import { type BoundedLook, boundaryCrossing, requireRising } from "./boundary-crossing.ts";
import {
	type FutilityDesign,
	type GroupSequentialDesign,
	type GroupSequentialLook,
	NO_LOOK_PASSED,
	nextLook,
	passLook,
	requireGroupSequentialDesign,
} from "./group-sequential-boundary.ts";
import { monotoneRoot } from "./monotone-root.ts";
import { normalUpperQuantile } from "./normal-tail.ts";
import { requireSpending, type SpendingFunction } from "./spending-function.ts";
import { requireArgument } from "./stats-error.ts";

export interface GroupSequentialPlanOptions {
	readonly alpha: number;
	readonly sides: 1 | 2;
	readonly spending: SpendingFunction;
	/** Probability to find the planned effect, in (alpha/sides, 1). */
	readonly power: number;
	/** When it is to be looked, as fractions of all information: rising, the last one 1. At most 1000. */
	readonly informationFractions: readonly number[];
	/** Spending of 1 − power on giving up; one-sided tests only. */
	readonly futilitySpending?: SpendingFunction;
}

export interface GroupSequentialPlan {
	/** To be handed to every look, as it is. */
	readonly design: GroupSequentialDesign;
	readonly looks: readonly GroupSequentialLook[];
	/** Expected z-score at information fraction 1 under the planned effect. */
	readonly drift: number;
	/** Largest sample of this plan as a multiple of a fixed test's of the same alpha and power. */
	readonly inflationFactor: number;
}

/** How a plan fares when the effect is `effectRatio` times the planned one. */
export interface GroupSequentialOutcome {
	readonly effectRatio: number;
	/** Probability to reject (for an effect of the planned sign). */
	readonly power: number;
	/** Probability to reject with the wrong sign; 0 when one-sided. */
	readonly wrongSign: number;
	/** Probability to give up at a look before the last one. */
	readonly futile: number;
	/** Sample at which the test stops on average, as a multiple of a fixed test's. */
	readonly expectedSampleRatio: number;
}

/**
 * Bounds, largest sample and drift of a group-sequential test that finds the planned effect with the given power.
 *
 * Multiply a fixed test's sample size by `inflationFactor` to get the largest one.
 *
 * @throws {StatsError} INVALID_ALPHA, INVALID_SIDES, INVALID_SPENDING, INVALID_POWER, INVALID_INFORMATION, INVALID_LOOKS
 */
export function planGroupSequential(options: GroupSequentialPlanOptions): GroupSequentialPlan {
	const { alpha, sides, spending, power, informationFractions, futilitySpending } = options;
	const bare: GroupSequentialDesign = { alpha, sides, spending };
	requireGroupSequentialDesign(bare);
	requireFractions(informationFractions);
	requireArgument(power > alpha / sides && power < 1, "INVALID_POWER", "power", power, "a number in (alpha/sides, 1)");
	requireArgument(
		futilitySpending === undefined || sides === 1,
		"INVALID_SIDES",
		"sides",
		sides,
		"1, since there is futility",
	);
	const beta = 1 - power;
	const fixedDrift = normalUpperQuantile(alpha / sides) + normalUpperQuantile(beta);
	const efficacy = boundsOf(bare, informationFractions);

	// Tests with few looks need hardly more than the fixed one; 1000 looks with even bounds need less than thrice.
	const [low, high] = [0.5 * fixedDrift, 3 * fixedDrift + 3];
	if (futilitySpending === undefined) {
		const missed = (drift: number) => outcomeOf(efficacy, sides, drift).power - power;
		const drift = monotoneRoot(missed, low, high);
		return { design: bare, looks: efficacy, drift, inflationFactor: (drift / fixedDrift) ** 2 };
	}
	requireSpending(futilitySpending);
	const withFutility = (drift: number): GroupSequentialDesign => {
		const futility: FutilityDesign = { beta, spending: futilitySpending, drift };
		return { ...bare, futility };
	};
	const drift = monotoneRoot(
		(candidate) => outcomeOf(boundsOf(withFutility(candidate), informationFractions), sides, candidate).power - power,
		low,
		high,
	);
	const design = withFutility(drift);
	const looks = boundsOf(design, informationFractions);
	return { design, looks, drift, inflationFactor: (drift / fixedDrift) ** 2 };
}

/**
 * Power and expected sample size of a plan at several true effects, as multiples of the planned one: 0 is no effect.
 *
 * @throws {StatsError} INVALID_STATISTIC for an effect ratio that is no finite number
 */
export function groupSequentialOutcomes(
	plan: GroupSequentialPlan,
	effectRatios: readonly number[],
): GroupSequentialOutcome[] {
	return effectRatios.map((effectRatio) => {
		requireArgument(Number.isFinite(effectRatio), "INVALID_STATISTIC", "effectRatio", effectRatio, "a finite number");
		const { power, wrongSign, futile, expectedInformation } = outcomeOf(
			plan.looks,
			plan.design.sides,
			effectRatio * plan.drift,
		);
		const expectedSampleRatio = expectedInformation * plan.inflationFactor;
		return { effectRatio, power, wrongSign, futile, expectedSampleRatio };
	});
}

function outcomeOf(looks: readonly GroupSequentialLook[], sides: 1 | 2, drift: number) {
	const bounded = looks.map(
		(look): BoundedLook => ({
			information: look.informationFraction,
			lower: sides === 2 ? -look.efficacyBound : (look.futilityBound ?? Number.NEGATIVE_INFINITY),
			upper: look.efficacyBound,
		}),
	);
	const { upper, lower } = boundaryCrossing(bounded, drift);
	const last = looks.length - 1;
	const [power, below] = [sum(upper), sum(lower)];
	const early = sum(
		looks
			.slice(0, -1)
			.map(({ informationFraction }, look) => (1 - informationFraction) * (upper[look]! + lower[look]!)),
	);
	return {
		power,
		wrongSign: sides === 2 ? below : 0,
		futile: sides === 2 ? 0 : below - lower[last]!,
		expectedInformation: 1 - early,
	};
}

function boundsOf(design: GroupSequentialDesign, informationFractions: readonly number[]): GroupSequentialLook[] {
	let passed = NO_LOOK_PASSED;
	return informationFractions.map((at, index) => {
		const bounds = nextLook(design, passed, at, at);
		passed = passLook(design, passed, bounds, at, informationFractions[index + 1]);
		return { spendingTime: at, informationFraction: at, units: null, level: null, basis: "joint", ...bounds };
	});
}

function requireFractions(informationFractions: readonly number[]): void {
	const looks = informationFractions.length;
	requireArgument(looks >= 1 && looks <= 1000, "INVALID_LOOKS", "informationFractions", looks, "1 to 1000 looks");
	requireRising(informationFractions);
	requireArgument(
		informationFractions.at(-1) === 1,
		"INVALID_INFORMATION",
		"informationFractions",
		informationFractions.at(-1),
		"1 at the last look",
	);
}

function sum(values: readonly number[]): number {
	return values.reduce((total, value) => total + value, 0);
}
