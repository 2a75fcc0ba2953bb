import { sequentialSampleRatioMismatch } from "@armspan/stats";
import { scenario } from "../scenario.ts";

const UNITS = 50_000;
const PRIOR_STRENGTH = 100;
/** 1/α of the e-value; χ² quantiles of one degree of freedom. */
const LEVELS = [
	{ alpha: 0.05, chiSquare: 3.841459 },
	{ alpha: 0.001, chiSquare: 10.82757 },
] as const;

interface SampleRatioCell {
	readonly key: string;
	readonly planned: number;
	readonly actual: number;
}

/** Units that follow the weights, or do not, with an alarm that looks after every one of them. */
export const sampleRatio = scenario<SampleRatioCell>({
	name: "sample-ratio",
	effort: 4,
	cells: [
		...[0.5, 0.1, 0.05, 0.01].map((share) => ({ key: `${100 * share} %`, planned: share, actual: share })),
		{ key: "50 % planned, 48 % come", planned: 0.5, actual: 0.48 },
		{ key: "10 % planned, 9 % come", planned: 0.1, actual: 0.09 },
	],
	simulate({ planned, actual }, random, tally) {
		const ifTreated = 1 / planned;
		const ifControl = 1 / (1 - planned);
		let [treatment, control, eValue] = [0, 0, 1];
		const alarms = LEVELS.map(() => ({ eValue: Number.POSITIVE_INFINITY, chiSquare: Number.POSITIVE_INFINITY }));
		for (let units = 1; units <= UNITS; units++) {
			// One unit more multiplies the mixture by its predictive probability over that of the weights.
			const seen = PRIOR_STRENGTH + units - 1;
			if (random.uniform() < actual) eValue *= ((PRIOR_STRENGTH * planned + treatment++) / seen) * ifTreated;
			else eValue *= ((PRIOR_STRENGTH * (1 - planned) + control++) / seen) * ifControl;
			const surplus = treatment - units * planned;
			const chiSquare = surplus * surplus * (ifTreated + ifControl);
			if (eValue < 20 && chiSquare < 3.8 * units) continue;
			LEVELS.forEach((level, index) => {
				const alarm = alarms[index]!;
				if (eValue * level.alpha >= 1) alarm.eValue = Math.min(alarm.eValue, units);
				if (units >= 100 && chiSquare > level.chiSquare * units) alarm.chiSquare = Math.min(alarm.chiSquare, units);
			});
		}
		LEVELS.forEach(({ alpha }, level) => {
			const alarm = alarms[level]!;
			tally.count(`e-value, ${alpha}`, alarm.eValue <= UNITS);
			tally.count(`chi-square, ${alpha}`, alarm.chiSquare <= UNITS);
			if (planned !== actual) tally.keep(`e-value, ${alpha}`, Math.min(alarm.eValue, UNITS));
		});
		const arms = { treatment, control };
		const product = sequentialSampleRatioMismatch(arms, { treatment: planned, control: 1 - planned });
		if (product.kind !== "estimated" || Math.abs(product.logEValue - Math.log(eValue)) > 1e-6) {
			throw new Error(`the recursion gives ${Math.log(eValue)}, the package ${JSON.stringify(product)}`);
		}
	},
});
