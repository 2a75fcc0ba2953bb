import {
	compareRatios,
	hybridComparison,
	type RatioComparison,
	ratioContrast,
	ratioEstimate,
	safeguardedContrast,
	tuneRhoSquared,
	twoSidedLogEValue,
	twoSidedRadiusMultiplier,
	welchComparison,
} from "@armspan/stats";
import { ALPHA, type Look } from "./looks.ts";
import { naiveZ, tTestBound } from "./naive-analysis.ts";
import type { RunningSums, Stream, StreamData } from "./unit-data.ts";

/** What there is to see at one look. */
interface Glance extends Stream {
	readonly data: StreamData;
	/** Treatment's share of the units. */
	readonly share: number;
	/** The last of all looks. */
	readonly last: boolean;
	/** By the right unit and the arms' own variances. */
	readonly z: number;
	/** `null` while it is not estimable. */
	readonly comparison: RatioComparison | null;
}

/** Methods that answer at any look whether there is an effect; the last five are what not to do. */
const WATCHERS = {
	"always-valid": ({ comparison }: Glance) => comparison !== null && comparison.pValue <= ALPHA,
	hybrid: (glance: Glance) => (glance.last ? hybridEndRejects(glance) : watchedHalfRejects(glance)),
	"unsafeguarded hybrid": (glance: Glance) => (glance.last ? welchRejects(glance) : watchedHalfRejects(glance)),
	unsafeguarded,
	"t-test": ({ control, treatment, z }: Glance) => Math.abs(z) > tTestBound(control.units + treatment.units - 2),
	"request-level t-test": requestLevelTTest,
	"request-level always-valid": requestLevelSequence,
} satisfies Record<string, (glance: Glance) => boolean>;

/** Held against group-sequential bounds: the z-score that the method takes, given the one by the arms' own variances. */
const BOUNDED = {
	"group-sequential": ({ control, treatment }: Stream) => {
		const contrast = safeguardedContrast(control, treatment);
		return contrast.kind === "estimated" ? contrast.difference / Math.sqrt(contrast.variance) : 0;
	},
	"unsafeguarded group-sequential": (_: Stream, z: number) => z,
} satisfies Record<string, (stream: Stream, z: number) => number>;

export const METHODS = [...Object.keys(WATCHERS), ...Object.keys(BOUNDED)];

/** Observations at which a method first rejected "no effect", by `method, rhythm`; one that never did is absent. */
export type FirstRejections = ReadonlyMap<string, number>;

/** Lets everybody look at one stream until its end: few times, many times, and once, at the end. */
export function watch(stream: Stream, data: StreamData, share: number, looks: readonly Look[]): FirstRejections {
	const first = new Map<string, number>();
	for (const look of looks) {
		stream.advanceTo(look.observations);
		if (Math.min(stream.control.units, stream.treatment.units) < 2) continue;
		const last = look === looks.at(-1);
		const rough = roughZ(stream);
		holdAgainstBounds(look, rough);
		if (!look.few && !look.many && !last) continue;
		const quiet = !last && rough < NOBODY_REJECTS_BELOW;
		if (quiet && stream.calls === null) continue;
		const glance = quiet
			? { ...stream, data, share, last, z: 0, comparison: null }
			: glanceAt(stream, data, share, last);
		for (const [method, rejects] of Object.entries(WATCHERS)) {
			if (rejects(glance)) {
				if (look.few || last) reject(`${method}, few`, look);
				if (look.many || last) reject(`${method}, many`, look);
				if (last) reject(`${method}, once`, look);
			}
		}
	}
	return first;

	function holdAgainstBounds(look: Look, rough: number): void {
		const few = look.fewBounds?.efficacyBound ?? Number.POSITIVE_INFINITY;
		const many = look.manyBounds?.efficacyBound ?? Number.POSITIVE_INFINITY;
		// No safeguard makes a z-score larger, so most looks need no more than this.
		if (rough < 0.999 * Math.min(few, many)) return;
		const own = ownZ(stream);
		for (const [method, zOf] of Object.entries(BOUNDED)) {
			const z = Math.abs(zOf(stream, own));
			if (z >= few) reject(`${method}, few`, look);
			if (z >= many) reject(`${method}, many`, look);
		}
	}

	function reject(name: string, look: Look): void {
		if (!first.has(name)) first.set(name, look.observations);
	}
}

/** No method here rejects for less, the right unit given; tests and intervals are all wider than two standard errors. */
const NOBODY_REJECTS_BELOW = 1.9;

/** |z| by the arms' own variances in plain floating point: most looks are over with it, and none is decided by it. */
function roughZ({ control, treatment }: Stream): number {
	const variance = roughVariance(control) + roughVariance(treatment);
	return Math.abs(treatment.sumY / treatment.sumN - control.sumY / control.sumN) / Math.sqrt(variance);
}

function roughVariance({ units, sumY, sumN, sumYY, sumNN, sumYN }: RunningSums): number {
	const ratio = sumY / sumN;
	return ((units / (units - 1)) * (sumYY - 2 * ratio * sumYN + ratio * ratio * sumNN)) / sumN / sumN;
}

function ownZ({ control, treatment }: Stream): number {
	const contrast = ratioContrast(control, treatment);
	return contrast.kind === "estimated" ? contrast.difference / Math.sqrt(contrast.variance) : 0;
}

function glanceAt(stream: Stream, data: StreamData, share: number, last: boolean): Glance {
	const { control, treatment } = stream;
	const comparison = compareRatios({ ...designOf(data, share), control, treatment });
	return {
		...stream,
		data,
		share,
		last,
		z: ownZ(stream),
		comparison: comparison.kind === "estimated" ? comparison : null,
	};
}

function designOf({ plannedUnits }: StreamData, share: number) {
	return { alpha: ALPHA, plannedUnits, plannedShare: Math.min(share, 1 - share) };
}

function hybridEndRejects({ control, treatment, data, share }: Glance): boolean {
	const final = hybridComparison({ ...designOf(data, share), control, treatment, final: true });
	return final.kind === "estimated" && final.pValue <= ALPHA;
}

/** The end with the arms' own variances. */
function welchRejects({ control, treatment }: Glance): boolean {
	const [c, t] = [ratioEstimate(control), ratioEstimate(treatment)];
	if (c.kind === "not-estimable" || t.kind === "not-estimable") return false;
	const final = welchComparison(c, t, { alpha: ALPHA / 2 });
	return final.kind === "estimated" && final.pValue <= ALPHA / 2;
}

/** What hybridComparison does while it is watched, without estimating the arms once more. */
function watchedHalfRejects({ comparison, data, share }: Glance): boolean {
	if (comparison === null) return false;
	const rhoSquared = tuneRhoSquared(ALPHA / 2, 0.5 * data.plannedUnits * 4 * share * (1 - share));
	const { value, standardError } = comparison.absoluteEffect;
	const logEValue = twoSidedLogEValue(value / standardError, comparison.effectiveUnits, rhoSquared);
	return logEValue >= -Math.log(ALPHA / 2);
}

/** The confidence sequence as published, from as many units on as the safeguarded one. */
function unsafeguarded({ comparison, control, treatment, data, z }: Glance): boolean {
	if (comparison === null) return false;
	const rhoSquared = tuneRhoSquared(ALPHA, 0.5 * data.plannedUnits);
	return Math.abs(z) > twoSidedRadiusMultiplier(control.units + treatment.units, rhoSquared, ALPHA);
}

function requestLevelTTest({ calls }: Glance): boolean {
	if (calls === null) return false;
	const requests = calls.control.units + calls.treatment.units;
	return Math.abs(naiveZ(calls.control, calls.treatment)) > tTestBound(requests - 2);
}

function requestLevelSequence({ calls, data }: Glance): boolean {
	if (calls === null) return false;
	const requests = calls.control.units + calls.treatment.units;
	const rhoSquared = tuneRhoSquared(ALPHA, 0.5 * data.observations);
	return Math.abs(naiveZ(calls.control, calls.treatment)) > twoSidedRadiusMultiplier(requests, rhoSquared, ALPHA);
}
