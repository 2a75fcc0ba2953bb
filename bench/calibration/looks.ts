import { type GroupSequentialLook, planGroupSequential } from "@armspan/stats";
import type { StreamData } from "./unit-data.ts";

export const ALPHA = 0.05;
/** A look a day for four weeks. */
export const FEW_LOOKS = 28;
/** Somebody who always looks: geometric, since a mixture is crossed as easily in any doubling of the units. */
export const MANY_LOOKS = 1000;
/** Equally spaced, as spending and the number of looks have to be planned; their bounds take half a minute to compute. */
export const MANY_GROUP_SEQUENTIAL_LOOKS = 1000;
/** Units of the smaller arm from which on it is looked. */
const FIRST_UNITS = 50;

/** A moment at which somebody looks, and who. */
export interface Look {
	readonly observations: number;
	/** One of few looks. */
	readonly few: boolean;
	/** One of many looks. */
	readonly many: boolean;
	/** Group-sequential bounds of this look, if it is one of few, of many. */
	readonly fewBounds: GroupSequentialLook | undefined;
	readonly manyBounds: GroupSequentialLook | undefined;
}

/** All looks at a stream, in order. */
export function looksAt(data: StreamData, share: number, many: boolean): Look[] {
	const few = equallySpaced(data, FEW_LOOKS);
	const manyPlanned = many ? equallySpaced(data, MANY_GROUP_SEQUENTIAL_LOOKS) : new Map<number, GroupSequentialLook>();
	const geometric = new Set<number>();
	const first = Math.ceil(FIRST_UNITS / Math.min(share, 1 - share));
	for (let look = 0; many && look < MANY_LOOKS; look++) {
		geometric.add(Math.round(first * (data.observations / first) ** (look / (MANY_LOOKS - 1))));
	}
	return [...new Set([...few.keys(), ...manyPlanned.keys(), ...geometric])]
		.sort((left, right) => left - right)
		.map((observations) => ({
			observations,
			few: few.has(observations),
			many: geometric.has(observations),
			fewBounds: few.get(observations),
			manyBounds: manyPlanned.get(observations),
		}));
}

/** Lan–DeMets O'Brien–Fleming bounds at the information that the plan expects at each look. */
function equallySpaced(data: StreamData, looks: number): Map<number, GroupSequentialLook> {
	const shares = Array.from({ length: looks }, (_, look) => (look + 1) / looks);
	const bounds = boundsAt(shares.map((share) => data.informationFraction(share)));
	return new Map(shares.map((share, look) => [Math.round(share * data.observations), bounds[look]!]));
}

const known = new Map<string, readonly GroupSequentialLook[]>();

/** Bounds take seconds to integrate, and most data share them. */
function boundsAt(informationFractions: readonly number[]): readonly GroupSequentialLook[] {
	const key = informationFractions.join();
	let bounds = known.get(key);
	if (bounds === undefined) {
		const spending = { kind: "obrien-fleming" } as const;
		bounds = planGroupSequential({ alpha: ALPHA, sides: 2, spending, power: 0.8, informationFractions }).looks;
		known.set(key, bounds);
	}
	return bounds;
}
