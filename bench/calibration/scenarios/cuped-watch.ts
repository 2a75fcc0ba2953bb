import {
	type CovariateSums,
	type CupedContrast,
	cupedContrast,
	type NotEstimable,
	safeguardedCupedContrast,
	tuneRhoSquared,
	twoSidedRadiusMultiplier,
} from "@armspan/stats";
import { ALPHA, FEW_LOOKS } from "../looks.ts";
import { CALLS_PER_USER, INTRACLASS_CORRELATION } from "../returning-users.ts";
import { scenario } from "../scenario.ts";
import type { StreamRandom } from "../stream-random.ts";

interface CupedCell {
	readonly key: string;
	readonly share: number;
	readonly units: number;
	/** Lets units come in until this share of the plan is there. */
	start(cell: CupedCell, random: StreamRandom): (upTo: number) => Arms;
}

interface Arms {
	readonly control: Sums;
	readonly treatment: Sums;
}

type Sums = { -readonly [Key in keyof CovariateSums<number>]: number };

/** Correlation of a unit's value with its history, on the scale on which both are normal. */
const CORRELATION = 0.7;
/** Share of units without history. */
const NEWCOMERS = 0.2;

const emptySums = (): Sums => ({
	...{ units: 0, sumY: 0, sumN: 0, sumYY: 0, sumNN: 0, sumYN: 0 },
	...{ sumX: 0, sumW: 0, sumXX: 0, sumWW: 0, sumXW: 0, sumYX: 0, sumYW: 0, sumNX: 0, sumNW: 0 },
});

/** A mean per unit. */
const meansPerUnit =
	(valueAt: (normal: number) => number): CupedCell["start"] =>
	({ share, units }, random) => {
		const arms = { control: emptySums(), treatment: emptySums() };
		const residual = Math.sqrt(1 - CORRELATION ** 2);
		let seen = 0;
		return (upTo) => {
			for (; seen < upTo * units; seen++) {
				const sums = random.bernoulli(share) ? arms.treatment : arms.control;
				const before = random.normal();
				const w = random.bernoulli(NEWCOMERS) ? 0 : 1;
				const x = w * valueAt(before);
				const y = valueAt(CORRELATION * before + residual * random.normal());
				sums.units++;
				sums.sumY += y;
				sums.sumYY += y * y;
				sums.sumX += x;
				sums.sumXX += x * x;
				sums.sumYX += y * x;
				sums.sumW += w;
				sums.sumYW += y * w;
			}
			for (const sums of [arms.control, arms.treatment]) {
				sums.sumN = sums.units;
				sums.sumNN = sums.units;
				sums.sumYN = sums.sumY;
				sums.sumNX = sums.sumX;
				sums.sumWW = sums.sumW;
				sums.sumXW = sums.sumX;
				sums.sumNW = sums.sumW;
			}
			return arms;
		};
	};

/** A ratio over calls of users who return, with as many calls before the experiment; their level stays. */
const ratioPerCall: CupedCell["start"] = ({ share, units }, random) => {
	const arms = { control: emptySums(), treatment: emptySums() };
	const within = Math.sqrt(1 - INTRACLASS_CORRELATION);
	const users = Array.from({ length: units }, () => {
		const level = Math.sqrt(INTRACLASS_CORRELATION) * random.normal();
		const w = random.bernoulli(NEWCOMERS) ? 0 : 1 + random.integer(2 * CALLS_PER_USER - 1);
		const x = w * level + within * Math.sqrt(w) * random.normal();
		return { level, w, x, y: 0, n: 0, sums: random.bernoulli(share) ? arms.treatment : arms.control };
	});
	let seen = 0;
	return (upTo) => {
		for (; seen < upTo * units * CALLS_PER_USER; seen++) {
			const user = users[random.integer(units)]!;
			const { w, x, sums, level } = user;
			const value = level + within * random.normal();
			if (user.n === 0) {
				sums.units++;
				sums.sumX += x;
				sums.sumW += w;
				sums.sumXX += x * x;
				sums.sumWW += w * w;
				sums.sumXW += x * w;
			}
			sums.sumY += value;
			sums.sumN += 1;
			sums.sumYY += (2 * user.y + value) * value;
			sums.sumNN += 2 * user.n + 1;
			sums.sumYN += user.y + value * (user.n + 1);
			sums.sumYX += value * x;
			sums.sumYW += value * w;
			sums.sumNX += x;
			sums.sumNW += w;
			user.y += value;
			user.n++;
		}
		return arms;
	};
};

const normal = meansPerUnit((value) => value);
const lognormal = meansPerUnit((value) => Math.exp(1.5 * value));

/** A/A streams with history: CUPED with the multiplier of a confidence sequence, at 28 looks. */
export const cupedWatch = scenario<CupedCell>({
	name: "cuped-watch",
	effort: 0.4,
	cells: [0.5, 0.1, 0.01].flatMap((share) => [
		{ key: `normal, ${100 * share} %`, share, units: 20_000, start: normal },
		{ key: `lognormal σ 1.5, ${100 * share} %`, share, units: 20_000, start: lognormal },
		{ key: `returning users, ${100 * share} %`, share, units: 10_000, start: ratioPerCall },
	]),
	simulate(cell, random, tally) {
		const advance = cell.start(cell, random);
		const { share, units } = cell;
		const rhoSquared = tuneRhoSquared(ALPHA, 2 * units * share * (1 - share));
		const rejected = { safeguarded: false, own: false };
		let reduction = 0;
		for (let look = 1; look <= FEW_LOOKS; look++) {
			const { control, treatment } = advance(look / FEW_LOOKS);
			const fewest = Math.min(control.units, treatment.units);
			// The safeguarded one refuses; the other is looked at from as many units on.
			if (fewest < 50) continue;
			const effective = (4 * control.units * treatment.units) / (control.units + treatment.units);
			const multiplier = twoSidedRadiusMultiplier(effective, rhoSquared, ALPHA);
			const safeguarded = safeguardedCupedContrast(control, treatment);
			rejected.safeguarded ||= excludes(safeguarded, multiplier);
			rejected.own ||= excludes(cupedContrast(control, treatment), multiplier);
			if (safeguarded.kind === "estimated") reduction = safeguarded.varianceReduction;
		}
		tally.count("safeguarded", rejected.safeguarded);
		tally.count("own", rejected.own);
		tally.add("variance reduction", reduction);
	},
});

function excludes(contrast: CupedContrast | NotEstimable, multiplier: number): boolean {
	return contrast.kind === "estimated" && Math.abs(contrast.difference) > multiplier * Math.sqrt(contrast.variance);
}
