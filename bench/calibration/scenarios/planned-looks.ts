import {
	type ArmUnits,
	type GroupSequentialLook,
	groupSequentialTest,
	type PooledLevel,
	pooledLevel,
	safeguardedContrast,
} from "@armspan/stats";
import { type GrowingUnits, startGrowing } from "../growing-units.ts";
import { ALPHA } from "../looks.ts";
import { scenario } from "../scenario.ts";
import type { StreamRandom } from "../stream-random.ts";
import type { Tally } from "../tally.ts";
import { bernoulli, lognormalOf, normal, type RunningSums, type Stream, type StreamData } from "../unit-data.ts";
import { DRIFT } from "./power-by-split.ts";

const DESIGN = { alpha: ALPHA, sides: 2, spending: { kind: "obrien-fleming" } } as const;
/** No two-sided bound at ALPHA lies below: a stream that stays within never needs its bounds. */
const LOWEST_BOUND = 1.95;

interface PlannedCell {
	readonly key: string;
	readonly looks: number;
	readonly plannedUnits: number;
	readonly any: boolean;
	start(random: StreamRandom): Stream;
}

const of = (looks: number, share: number) => `${100 * share} %, ${looks} looks`;

/** @param times effect as a multiple of the one that a fixed test finds with power 0.8 */
function fixedOnArrival(data: StreamData, share: number, looks: number, times = 0): PlannedCell {
	const effect = times * DRIFT * Math.sqrt(data.variancePerUnit / (data.plannedUnits * share * (1 - share)));
	return {
		...{ looks, plannedUnits: data.plannedUnits, any: false },
		key: `${data.name}, ${of(looks, share)}${times === 0 ? "" : `, ${times}×`}`,
		start: (random) => data.start(share, effect, random),
	};
}

/** @param effect relative change of the rate */
function growing(data: GrowingUnits, share: number, looks: number, effect = 0): PlannedCell {
	return {
		...{ looks, plannedUnits: data.plannedUnits, any: data.measured === "any" },
		key: `${data.name}, ${of(looks, share)}${effect === 0 ? "" : `, +${100 * effect} %`}`,
		start: (random) => startGrowing(data, share, effect, random),
	};
}

const steady = { plannedUnits: 1000, calls: 4, rateSigma: 0, activeFor: 1 } as const;
const calls: GrowingUnits = { ...steady, name: "calls per unit", measured: "calls" };
const differing: GrowingUnits = { ...calls, name: "calls per unit, units differ", rateSigma: 1 };
const brief: GrowingUnits = { ...calls, name: "calls per unit, of their first days", calls: 12, activeFor: 0.3 };
const amounts: GrowingUnits = { ...steady, name: "amount per unit", measured: "amounts" };
const conversions: GrowingUnits = { ...steady, name: "conversions to 55 %", calls: 2, measured: "any" };
const perCall: GrowingUnits = { ...steady, name: "mean per call", rateSigma: 1, measured: "per call" };

const SHARES = [0.5, 0.1];

/** Looks planned by units, tested as the service does: alpha spent by the plan, every look tested. */
export const plannedLooks = scenario<PlannedCell>({
	name: "planned-looks",
	effort: 1.6,
	cells: SHARES.flatMap((share) => [
		...[2, 5, 10].flatMap((looks) => [
			...[normal(2000), bernoulli(0.01, 20_000), lognormalOf(1000)].map((data) => fixedOnArrival(data, share, looks)),
			...[calls, brief].map((data) => growing(data, share, looks)),
		]),
		...[differing, amounts, conversions, perCall].map((data) => growing(data, share, 10)),
	]),
	simulate: simulatePlanned,
});

/** The same where there is something to find, beside what spending by information found. */
export const plannedLooksPower = scenario<PlannedCell>({
	name: "planned-looks-power",
	effort: 0.6,
	cells: [
		...[5, 10].flatMap((looks) =>
			SHARES.flatMap((share) =>
				[normal(2000), bernoulli(0.01, 20_000), lognormalOf(1000)].map((data) => fixedOnArrival(data, share, looks, 1)),
			),
		),
		...[growing(calls, 0.5, 5, 0.15), growing(brief, 0.5, 5, 0.12)],
	],
	simulate: simulatePlanned,
});

interface Seen {
	readonly value: number;
	readonly variance: number;
	readonly units: ArmUnits;
	readonly level: PooledLevel | undefined;
}

function simulatePlanned({ looks, plannedUnits, any, start }: PlannedCell, random: StreamRandom, tally: Tally): void {
	const stream = start(random);
	const seen: (Seen | undefined)[] = [];
	for (let look = 1; look <= looks; look++) {
		stream.advanceTo(Math.ceil((look / looks) * plannedUnits));
		const { control, treatment } = stream;
		const contrast = safeguardedContrast(control, treatment);
		const units = { control: unitsOf(control, any), treatment: unitsOf(treatment, any) };
		seen.push(
			contrast.kind === "estimated" && contrast.variance > 0
				? {
						value: contrast.difference,
						variance: contrast.variance,
						units,
						level: control.sumN === control.units ? pooledLevel(control, treatment) : undefined,
					}
				: undefined,
		);
	}
	const extreme = seen.some((at) => at !== undefined && at.value ** 2 >= LOWEST_BOUND ** 2 * at.variance);
	const exceeds = (byPlan: boolean) => (extreme ? rejects(seen, byPlan) : false);
	tally.count("rejects", exceeds(true));
	tally.count("by information", exceeds(false));
	// What spending by information leaves untested: no more information than before, or all of it spent.
	const last = seen.at(-1);
	const first = seen.findIndex((at) => at !== undefined);
	const planned = first < 0 ? 0 : (seen[first]!.variance * (first + 1)) / looks;
	const most = Math.max(...seen.slice(0, -1).map((at) => (at === undefined ? 0 : planned / at.variance)));
	tally.count("last look untested", last !== undefined && (most >= 1 || planned / last.variance <= most * 1.0001));
}

/** @param byPlan else by information, of which the end is taken from the first look's variance: what it was once */
function rejects(seen: readonly (Seen | undefined)[], byPlan: boolean): boolean {
	const pastLooks: GroupSequentialLook[] = [];
	let plannedVariance: number | undefined;
	for (const [index, at] of seen.entries()) {
		if (at === undefined) continue;
		const spendingTime = (index + 1) / seen.length;
		plannedVariance ??= at.variance * spendingTime;
		const shared = { design: DESIGN, pastLooks, effect: at, final: index === seen.length - 1 };
		const found = byPlan
			? groupSequentialTest({ ...shared, spendingTime, units: at.units, level: at.level })
			: knowsMore(pastLooks, plannedVariance / at.variance)
				? groupSequentialTest({ ...shared, plannedVariance })
				: undefined;
		if (found === undefined || found.kind === "not-estimable") continue;
		if (found.conclusion === "reject") return true;
		pastLooks.push(found.look);
	}
	return false;
}

function knowsMore(pastLooks: readonly GroupSequentialLook[], informationFraction: number): boolean {
	return informationFraction * (1 - 1e-4) >= (pastLooks.at(-1)?.informationFraction ?? 0);
}

/** Of a share of units, which only grows, n/(1 − share). */
function unitsOf({ units, sumY, sumN }: RunningSums, any: boolean): number {
	return any ? (units * (sumN + 1)) / (sumN - sumY + 1) : units;
}
