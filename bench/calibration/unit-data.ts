import type { StreamRandom } from "./stream-random.ts";

/** Sums of a ratio that grow while a stream goes on. */
export interface RunningSums {
	units: number;
	sumY: number;
	sumN: number;
	sumYY: number;
	sumNN: number;
	sumYN: number;
}

export const emptySums = (): RunningSums => ({ units: 0, sumY: 0, sumN: 0, sumYY: 0, sumNN: 0, sumYN: 0 });

/** Observations of two arms as they come in. */
export interface Stream {
	readonly control: RunningSums;
	readonly treatment: RunningSums;
	/** The same calls as if each were a unit of its own; what request-level analysis sees. */
	readonly calls: { readonly control: RunningSums; readonly treatment: RunningSums } | null;
	/** Lets observations come in until there are this many, in both arms. */
	advanceTo(observations: number): void;
}

/** A kind of data, with what a plan would know of it. */
export interface StreamData {
	readonly name: string;
	/** Observations by the end, in both arms. */
	readonly observations: number;
	/** Units by the end, in both arms. */
	readonly plannedUnits: number;
	/** K·Var of one arm's estimate at the end. */
	readonly variancePerUnit: number;
	/** Share of the final information that is there after a share of the observations. */
	informationFraction(share: number): number;
	/** @param share treatment's share of units @param effect added to treatment's mean */
	start(share: number, effect: number, random: StreamRandom): Stream;
}

/** Adds values of `units` new units of mean `effect` above the null; sums of a batch where their law is known. */
type AddUnits = (arm: RunningSums, units: number, effect: number, random: StreamRandom) => void;

const LENGTH = 50_000;

function unitData(name: string, variancePerUnit: number, add: AddUnits, observations = LENGTH): StreamData {
	return {
		name,
		observations,
		plannedUnits: observations,
		variancePerUnit,
		informationFraction: (share) => share,
		start(share, effect, random) {
			const [control, treatment] = [emptySums(), emptySums()];
			let seen = 0;
			return {
				control,
				treatment,
				calls: null,
				advanceTo(until) {
					const treated = random.binomial(until - seen, share);
					addBatch(treatment, treated, effect);
					addBatch(control, until - seen - treated, 0);
					seen = until;
				},
			};
			function addBatch(arm: RunningSums, units: number, shift: number): void {
				if (units === 0) return;
				add(arm, units, shift, random);
				arm.units += units;
				arm.sumN += units;
				arm.sumNN += units;
				arm.sumYN = arm.sumY;
			}
		},
	};
}

/** Exact batches: the sum is normal, the centred sum of squares chi-square, and they are independent. */
export const normal = (observations = LENGTH): StreamData =>
	unitData(
		"normal",
		1,
		(arm, units, effect, random) => {
			const sum = units * effect + Math.sqrt(units) * random.normal();
			arm.sumY += sum;
			arm.sumYY += random.chiSquare(units - 1) + (sum * sum) / units;
		},
		observations,
	);

const SIGMA = 1.5;

export const lognormalOf = (observations: number): StreamData =>
	unitData(
		"lognormal σ 1.5",
		Math.expm1(SIGMA ** 2) * Math.exp(SIGMA ** 2),
		(arm, units, effect, random) => {
			for (let unit = 0; unit < units; unit++) {
				const value = Math.exp(SIGMA * random.normal()) + effect;
				arm.sumY += value;
				arm.sumYY += value * value;
			}
		},
		observations,
	);
export const lognormal: StreamData = lognormalOf(LENGTH);

export const bernoulli = (rate: number, observations = LENGTH): StreamData =>
	unitData(
		`Bernoulli ${rate}`,
		rate * (1 - rate),
		(arm, units, effect, random) => {
			const successes = random.binomial(units, rate + effect);
			arm.sumY += successes;
			arm.sumYY += successes;
		},
		observations,
	);
