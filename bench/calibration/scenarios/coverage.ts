import {
	type EffectEstimate,
	type NotEstimable,
	proportionComparison,
	proportionEstimate,
	quantileComparison,
	ratioEstimate,
	welchComparison,
} from "@armspan/stats";
import { QuantileArm } from "../quantile-arm.ts";
import { CALLS_PER_USER, INTRACLASS_CORRELATION } from "../returning-users.ts";
import { scenario } from "../scenario.ts";
import type { StreamRandom } from "../stream-random.ts";
import type { Tally } from "../tally.ts";
import { emptySums, type RunningSums } from "../unit-data.ts";

const ALPHA = 0.05;
const Z = 1.959964;

interface CoverageCell {
	readonly key: string;
	simulate(random: StreamRandom, tally: Tally): void;
}

function covers(effect: EffectEstimate | NotEstimable, truth: number): boolean {
	return effect.kind === "estimated" && effect.lower <= truth && truth <= effect.upper;
}

/** Welch on means per unit; control's mean 10, so that relative effects are in their domain. */
function means(
	key: string,
	units: readonly [control: number, treatment: number],
	draw: Draw,
	mean: number,
): CoverageCell {
	return {
		key,
		simulate(random, tally) {
			const [control, treatment] = units.map((count) => armOf(count, random, draw)) as [RunningSums, RunningSums];
			compare(control, treatment, tally, mean === 0 ? undefined : 0);
		},
	};
}

type Draw = (random: StreamRandom) => readonly [sum: number, calls: number];

function armOf(units: number, random: StreamRandom, draw: Draw): RunningSums {
	const sums = emptySums();
	for (let unit = 0; unit < units; unit++) {
		const [y, n] = draw(random);
		sums.units++;
		sums.sumY += y;
		sums.sumN += n;
		sums.sumYY += y * y;
		sums.sumNN += n * n;
		sums.sumYN += y * n;
	}
	return sums;
}

function compare(control: RunningSums, treatment: RunningSums, tally: Tally, relative: number | undefined): void {
	const [c, t] = [ratioEstimate(control), ratioEstimate(treatment)];
	if (c.kind === "not-estimable" || t.kind === "not-estimable") throw new Error("an arm is not estimable");
	const comparison = welchComparison(c, t, { alpha: ALPHA });
	if (comparison.kind === "not-estimable") throw new Error(comparison.message);
	tally.count("difference", covers(comparison.absoluteEffect, 0));
	if (relative !== undefined) tally.count("relative", covers(comparison.relativeEffect, relative));
}

/** Calls of one user around mean 1: how many by `callsOf` the user's level. */
const user =
	(callsOf: (random: StreamRandom, level: number) => number): Draw =>
	(random) => {
		const level = random.normal();
		const calls = callsOf(random, level);
		const within = Math.sqrt((1 - INTRACLASS_CORRELATION) * calls) * random.normal();
		return [calls * (1 + Math.sqrt(INTRACLASS_CORRELATION) * level) + within, calls];
	};

/** The ratio itself, and its difference; beside them what follows when every call counts as a unit. */
function ratios(key: string, units: number, draw: Draw, truth: number): CoverageCell {
	return {
		key,
		simulate(random, tally) {
			const [control, treatment] = [armOf(units, random, draw), armOf(units, random, draw)];
			const estimate = ratioEstimate(treatment);
			if (estimate.kind === "not-estimable") throw new Error(estimate.message);
			tally.count("one arm", Math.abs(estimate.value - truth) <= Z * Math.sqrt(estimate.variance));
			compare(control, treatment, tally, 0);
			// One call has variance 1; the request-level standard error is known without drawing the calls.
			const requestError = Math.sqrt(1 / control.sumN + 1 / treatment.sumN);
			const difference = treatment.sumY / treatment.sumN - control.sumY / control.sumN;
			tally.count("request-level", Math.abs(difference) <= Z * requestError);
		},
	};
}

function proportions(units: number, controlRate: number, treatmentRate: number): CoverageCell {
	return {
		key: `${units} + ${units} units, ${controlRate} and ${treatmentRate}`,
		simulate(random, tally) {
			const control = { units, successes: random.binomial(units, controlRate) };
			const treatment = { units, successes: random.binomial(units, treatmentRate) };
			const one = proportionEstimate(treatment, { alpha: ALPHA });
			if (one.kind === "not-estimable") throw new Error(one.message);
			tally.count("one arm", one.lower <= treatmentRate && treatmentRate <= one.upper);
			const wald = Z * Math.sqrt(one.variance);
			tally.count("one arm, Wald", Math.abs(one.value - treatmentRate) <= wald);
			for (const method of ["newcombe", "miettinen-nurminen"] as const) {
				const comparison = proportionComparison(control, treatment, { alpha: ALPHA, method });
				// Nobody or everybody did it: no interval is claimed.
				if (comparison.kind === "estimated") {
					tally.count(method, covers(comparison.absoluteEffect, treatmentRate - controlRate));
				}
			}
		},
	};
}

function quantiles(level: number, z: number): CoverageCell {
	const users = 1000;
	return {
		key: `p${100 * level}`,
		simulate(random, tally) {
			const arms = [0, 1].map(() => {
				const arm = new QuantileArm(users);
				for (let each = 0; each < users; each++) {
					const own = Math.sqrt(INTRACLASS_CORRELATION) * random.normal();
					for (let call = 0; call < CALLS_PER_USER; call++) {
						arm.add(each, Math.exp(own + Math.sqrt(1 - INTRACLASS_CORRELATION) * random.normal()));
					}
				}
				return arm;
			}) as [QuantileArm, QuantileArm];
			for (const [prefix, clustered] of [
				["", true],
				["request-level ", false],
			] as const) {
				const [control, treatment] = arms.map((arm) => arm.estimate(level, clustered)) as [
					ReturnType<QuantileArm["estimate"]>,
					ReturnType<QuantileArm["estimate"]>,
				];
				if (control.kind === "not-estimable" || treatment.kind === "not-estimable") throw new Error("not estimable");
				const error = Math.abs(Math.log(treatment.value) - z);
				tally.count(`${prefix}one arm`, error <= Z * Math.sqrt(treatment.logVariance));
				const comparison = quantileComparison(control, treatment, Z);
				if (comparison.kind === "not-estimable") throw new Error(comparison.message);
				tally.count(`${prefix}difference`, covers(comparison.relativeEffect, 0));
			}
		},
	};
}

const normalMean: Draw = (random) => [10 + random.normal(), 1];
const lognormalMean: Draw = (random) => [Math.exp(1.5 * random.normal()), 1];

/** How often do intervals of one planned look hold the truth? Nominal 95 %. */
export const meanCoverage = scenario<CoverageCell>({
	name: "mean-coverage",
	effort: 2,
	cells: [
		means("normal, 50 + 50", [50, 50], normalMean, 10),
		means("normal, 1000 + 1000", [1000, 1000], normalMean, 10),
		means("normal, 1800 + 200", [1800, 200], normalMean, 10),
		means("lognormal σ 1.5, 1000 + 1000", [1000, 1000], lognormalMean, 1),
		means("lognormal σ 1.5, 9000 + 1000", [9000, 1000], lognormalMean, 1),
		means("lognormal σ 1.5, 9900 + 100", [9900, 100], lognormalMean, 1),
	],
	simulate: (cell, random, tally) => cell.simulate(random, tally),
});

/** E|z| of a standard normal. */
const HALF_NORMAL_MEAN = Math.sqrt(2 / Math.PI);

export const ratioCoverage = scenario<CoverageCell>({
	name: "ratio-coverage",
	effort: 2,
	cells: [
		ratios(
			"10 calls each",
			1000,
			user(() => CALLS_PER_USER),
			1,
		),
		ratios(
			"1 to 19 calls",
			1000,
			user((random) => 1 + random.integer(19)),
			1,
		),
		ratios(
			"users above average call three times as often",
			1000,
			user((random, level) => 1 + random.integer(level > 0 ? 29 : 9)),
			// E[N·level]/E[N] = (15 − 5)/2 · E|z| / 10 above the mean of all users.
			1 + (Math.sqrt(INTRACLASS_CORRELATION) * 5 * HALF_NORMAL_MEAN) / CALLS_PER_USER,
		),
	],
	simulate: (cell, random, tally) => cell.simulate(random, tally),
});

export const proportionCoverage = scenario<CoverageCell>({
	name: "proportion-coverage",
	effort: 4,
	cells: [100, 1000].flatMap((units) => [
		proportions(units, 0.5, 0.5),
		proportions(units, 0.1, 0.1),
		proportions(units, 0.01, 0.02),
	]),
	simulate: (cell, random, tally) => cell.simulate(random, tally),
});

export const quantileCoverage = scenario<CoverageCell>({
	name: "quantile-coverage",
	effort: 1,
	cells: [quantiles(0.5, 0), quantiles(0.95, 1.6448536), quantiles(0.99, 2.3263479)],
	simulate: (cell, random, tally) => cell.simulate(random, tally),
});
