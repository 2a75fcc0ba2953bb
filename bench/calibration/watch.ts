import {
	compareRatios,
	hybridComparison,
	type RatioComparison,
	ratioContrast,
	tuneRhoSquared,
	twoSidedLogEValue,
	twoSidedRadiusMultiplier,
} from "@armspan/stats";
import { ALPHA, type Look } from "./looks.ts";
import { naiveZ, tTestBound } from "./naive-analysis.ts";
import type { Stream, StreamData } from "./unit-data.ts";

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

/** z₁₋α/₄: a two-sided test at α/2. */
const Z_OF_HALF_ALPHA = 2.2414027;

/** Methods that answer at any look whether there is an effect; the last four are what not to do. */
const WATCHERS = {
	"always-valid": ({ comparison }: Glance) => comparison !== null && comparison.pValue <= ALPHA,
	hybrid: (glance: Glance) => (glance.last ? welchRejects(glance) : watchedHalfRejects(glance)),
	"safeguarded hybrid": (glance: Glance) =>
		glance.last ? Math.abs(safeguardedZ(glance.comparison)) >= Z_OF_HALF_ALPHA : watchedHalfRejects(glance),
	unsafeguarded,
	"t-test": ({ control, treatment, z }: Glance) => Math.abs(z) > tTestBound(control.units + treatment.units - 2),
	"request-level t-test": requestLevelTTest,
	"request-level always-valid": requestLevelSequence,
} satisfies Record<string, (glance: Glance) => boolean>;

/** z-scores that are held against group-sequential bounds. */
const BOUNDED = {
	"group-sequential": ({ z }: Glance) => z,
	"safeguarded group-sequential": ({ comparison }: Glance) => safeguardedZ(comparison),
} satisfies Record<string, (glance: Glance) => number>;

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
		const glance = glanceAt(stream, data, share, last);
		for (const [method, rejects] of Object.entries(WATCHERS)) {
			if (rejects(glance)) {
				if (look.few || last) reject(`${method}, few`, look);
				if (look.many || last) reject(`${method}, many`, look);
				if (last) reject(`${method}, once`, look);
			}
		}
		for (const [method, zOf] of Object.entries(BOUNDED)) {
			const z = Math.abs(zOf(glance));
			if (z >= (look.fewBounds?.efficacyBound ?? Number.POSITIVE_INFINITY)) reject(`${method}, few`, look);
			if (z >= (look.manyBounds?.efficacyBound ?? Number.POSITIVE_INFINITY)) reject(`${method}, many`, look);
		}
	}
	return first;

	function reject(name: string, look: Look): void {
		if (!first.has(name)) first.set(name, look.observations);
	}
}

function glanceAt(stream: Stream, data: StreamData, share: number, last: boolean): Glance {
	const { control, treatment } = stream;
	const contrast = ratioContrast(control, treatment);
	const comparison = compareRatios({ ...designOf(data, share), control, treatment });
	return {
		...stream,
		data,
		share,
		last,
		z: contrast.kind === "estimated" ? contrast.difference / Math.sqrt(contrast.variance) : 0,
		comparison: comparison.kind === "estimated" ? comparison : null,
	};
}

function designOf({ plannedUnits }: StreamData, share: number) {
	return { alpha: ALPHA, plannedUnits, plannedShare: Math.min(share, 1 - share) };
}

function safeguardedZ(comparison: RatioComparison | null): number {
	return comparison === null ? 0 : comparison.absoluteEffect.value / comparison.absoluteEffect.standardError;
}

/** The planned end of the hybrid. */
function welchRejects({ control, treatment, data, share }: Glance): boolean {
	const final = hybridComparison({ ...designOf(data, share), control, treatment, final: true });
	return final.kind === "estimated" && final.pValue <= ALPHA;
}

/** What hybridComparison does while it is watched, without estimating the arms once more. */
function watchedHalfRejects({ comparison, data, share }: Glance): boolean {
	if (comparison === null) return false;
	const rhoSquared = tuneRhoSquared(ALPHA / 2, 0.5 * data.plannedUnits * 4 * share * (1 - share));
	const logEValue = twoSidedLogEValue(safeguardedZ(comparison), comparison.effectiveUnits, rhoSquared);
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
