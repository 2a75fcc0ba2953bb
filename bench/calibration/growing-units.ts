import type { StreamRandom } from "./stream-random.ts";
import { emptySums, type RunningSums, type Stream } from "./unit-data.ts";

/** Units that come evenly over an experiment and go on calling, so that the totals of those that are there grow. */
export interface GrowingUnits {
	readonly name: string;
	readonly plannedUnits: number;
	/** Calls of a unit from its coming until the end, for one that comes at the start. */
	readonly calls: number;
	/** Standard deviation of the logarithm of a unit's rate. */
	readonly rateSigma: number;
	/** Part of the experiment for which a unit goes on. */
	readonly activeFor: number;
	/** What is measured of a unit: how many calls, a lognormal amount each, whether any, or the mean of its calls. */
	readonly measured: "calls" | "amounts" | "any" | "per call";
}

/** Share of a call's variance that lies between units, of `per call`. */
const BETWEEN = Math.sqrt(0.3);
const WITHIN = Math.sqrt(0.7);

/** @param effect relative change of a treated unit's rate */
export function startGrowing(data: GrowingUnits, share: number, effect: number, random: StreamRandom): Stream {
	const { plannedUnits, calls, rateSigma, activeFor, measured } = data;
	const rate = new Float64Array(plannedUnits);
	const level = new Float64Array(plannedUnits);
	const total = new Float64Array(plannedUnits);
	const made = new Int32Array(plannedUnits);
	const treated = new Uint8Array(plannedUnits);
	for (let unit = 0; unit < plannedUnits; unit++) {
		treated[unit] = random.bernoulli(share) ? 1 : 0;
		const own = rateSigma === 0 ? 1 : Math.exp(rateSigma * random.normal() - rateSigma ** 2 / 2);
		rate[unit] = calls * own * (treated[unit] === 1 ? 1 + effect : 1);
		level[unit] = BETWEEN * random.normal();
	}
	const stream = { control: emptySums(), treatment: emptySums(), calls: null };
	let seen = 0;
	return {
		...stream,
		advanceTo(until) {
			for (let unit = 0; unit < until; unit++) {
				const from = Math.max(seen, unit);
				const time = Math.max(0, Math.min(until, unit + activeFor * plannedUnits) - from) / plannedUnits;
				const more = poisson(rate[unit]! * time, random);
				made[unit] = made[unit]! + more;
				if (measured === "calls") total[unit] = total[unit]! + more;
				else if (measured === "any") total[unit] = made[unit]! > 0 ? 1 : 0;
				else {
					for (let call = 0; call < more; call++) {
						const drawn = random.normal();
						total[unit] = total[unit]! + (measured === "amounts" ? Math.exp(drawn) : level[unit]! + WITHIN * drawn);
					}
				}
			}
			seen = until;
			Object.assign(stream.control, emptySums());
			Object.assign(stream.treatment, emptySums());
			for (let unit = 0; unit < until; unit++) {
				const observations = measured === "per call" ? made[unit]! : 1;
				addUnit(treated[unit] === 1 ? stream.treatment : stream.control, total[unit]!, observations);
			}
		},
	};
}

function addUnit(arm: RunningSums, y: number, n: number): void {
	if (n === 0) return;
	arm.units++;
	arm.sumY += y;
	arm.sumN += n;
	arm.sumYY += y * y;
	arm.sumNN += n * n;
	arm.sumYN += y * n;
}

/** By products of uniforms: for small means. */
function poisson(mean: number, random: StreamRandom): number {
	const limit = Math.exp(-mean);
	let count = -1;
	for (let product = 1; product > limit || count < 0; product *= random.uniform()) count++;
	return count;
}
