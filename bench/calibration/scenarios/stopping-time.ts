import {
	compareRatios,
	type GroupSequentialLook,
	type GroupSequentialPlan,
	hybridComparison,
	planGroupSequential,
	ratioContrast,
	safeguardedContrast,
} from "@armspan/stats";
import { ALPHA, FEW_LOOKS } from "../looks.ts";
import { scenario } from "../scenario.ts";
import type { StreamRandom } from "../stream-random.ts";
import { normal, type Stream } from "../unit-data.ts";
import { DRIFT } from "./power-by-split.ts";

/** Units that a fixed test needs for power 0.8 at the minimum detectable effect. */
const FIXED_UNITS = 10_000;
const fractions = Array.from({ length: FEW_LOOKS }, (_, look) => (look + 1) / FEW_LOOKS);

interface StoppingCell {
	readonly key: string;
	/** True effect as a multiple of the minimum detectable one. */
	readonly times: number;
}

/** A method that stops by itself: whether it rejects at this look, gives up, or goes on. */
interface Stopper {
	readonly name: string;
	/** Units of its looks, rising. */
	readonly looks: readonly number[];
	decide(stream: Stream, look: number): "reject" | "give-up" | "go-on";
}

function alwaysValid(name: string, cap: number): Stopper {
	const looks = Array.from({ length: cap * FEW_LOOKS }, (_, look) =>
		Math.round(((look + 1) / FEW_LOOKS) * FIXED_UNITS),
	);
	return {
		name,
		looks,
		decide({ control, treatment }) {
			const plannedUnits = cap * FIXED_UNITS;
			const comparison = compareRatios({ control, treatment, alpha: ALPHA, plannedUnits, plannedShare: 0.5 });
			return comparison.kind === "estimated" && comparison.pValue <= ALPHA ? "reject" : "go-on";
		},
	};
}

const hybrid: Stopper = {
	name: "hybrid",
	looks: fractions.map((fraction) => Math.round(fraction * FIXED_UNITS)),
	decide({ control, treatment }, look) {
		const final = look === FEW_LOOKS - 1;
		const design = { control, treatment, alpha: ALPHA, plannedUnits: FIXED_UNITS, plannedShare: 0.5, final };
		const comparison = hybridComparison(design);
		return comparison.kind === "estimated" && comparison.pValue <= ALPHA ? "reject" : "go-on";
	},
};

function groupSequential(name: string, plan: GroupSequentialPlan): Stopper {
	return {
		name,
		looks: fractions.map((fraction) => Math.round(fraction * FIXED_UNITS * plan.inflationFactor)),
		decide({ control, treatment }, look) {
			const { efficacyBound, futilityBound } = plan.looks[look] as GroupSequentialLook;
			const contrast = safeguardedContrast(control, treatment);
			if (contrast.kind === "not-estimable") return "go-on";
			const z = contrast.difference / Math.sqrt(contrast.variance);
			if ((plan.design.sides === 2 ? Math.abs(z) : z) >= efficacyBound) return "reject";
			return futilityBound !== null && z < futilityBound ? "give-up" : "go-on";
		},
	};
}

const fixed: Stopper = {
	name: "fixed",
	looks: [FIXED_UNITS],
	decide({ control, treatment }) {
		const contrast = ratioContrast(control, treatment);
		if (contrast.kind === "not-estimable") return "give-up";
		return Math.abs(contrast.difference) > 1.959964 * Math.sqrt(contrast.variance) ? "reject" : "give-up";
	},
};

const bare = { alpha: ALPHA, sides: 2, spending: { kind: "obrien-fleming" }, power: 0.8 } as const;
const obrienFleming = planGroupSequential({ ...bare, informationFractions: fractions });
const withFutility = planGroupSequential({
	alpha: ALPHA / 2,
	sides: 1,
	spending: { kind: "hwang-shih-decani", gamma: -4 },
	futilitySpending: { kind: "hwang-shih-decani", gamma: -2 },
	power: 0.8,
	informationFractions: fractions,
});

/** Largest samples of the plans, as multiples of the fixed one. */
export const INFLATION = {
	"group-sequential": obrienFleming.inflationFactor,
	"group-sequential with futility": withFutility.inflationFactor,
};

export const STOPPERS: readonly Stopper[] = [
	fixed,
	groupSequential("group-sequential", obrienFleming),
	groupSequential("group-sequential with futility", withFutility),
	alwaysValid("always-valid, cap 1×", 1),
	alwaysValid("always-valid, cap 2×", 2),
	hybrid,
];

/** How much data is there when a method stops, against a fixed test of the same power? */
export const stoppingTime = scenario<StoppingCell>({
	name: "stopping-time",
	effort: 1,
	cells: [0, 1, 1.5, 2, 3].map((times) => ({ key: `${times}×`, times })),
	simulate({ times }, random, tally) {
		const stops = firstStops(times, random);
		for (const { name, looks } of STOPPERS) {
			const stop = stops.get(name);
			tally.count(`${name}: rejects`, stop?.decision === "reject");
			tally.add(`${name}: sample`, (stop?.units ?? looks.at(-1)!) / FIXED_UNITS);
		}
	},
});

function firstStops(times: number, random: StreamRandom) {
	const data = normal(2 * FIXED_UNITS);
	const stream = data.start(0.5, (times * DRIFT * 2) / Math.sqrt(FIXED_UNITS), random);
	const stops = new Map<string, { decision: "reject" | "give-up"; units: number }>();
	for (const units of ALL_LOOKS) {
		stream.advanceTo(units);
		for (const { name, looks, decide } of STOPPERS) {
			if (stops.has(name)) continue;
			const look = looks.indexOf(units);
			if (look < 0) continue;
			const decision = decide(stream, look);
			if (decision !== "go-on") stops.set(name, { decision, units });
		}
		if (stops.size === STOPPERS.length) break;
	}
	return stops;
}

const ALL_LOOKS = [...new Set(STOPPERS.flatMap(({ looks }) => looks))].sort((left, right) => left - right);
