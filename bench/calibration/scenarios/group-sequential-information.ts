import {
	type GroupSequentialLook,
	type GroupSequentialResult,
	groupSequentialComparison,
	groupSequentialTest,
	type NotEstimable,
	ratioContrast,
} from "@armspan/stats";
import { ALPHA } from "../looks.ts";
import { returningUsers } from "../returning-users.ts";
import { scenario } from "../scenario.ts";
import { bernoulli, lognormal, normal, type Stream, type StreamData } from "../unit-data.ts";
import type { WatchedCell } from "./false-positives.ts";

const LOOKS = 7;
const DESIGN = { alpha: ALPHA, sides: 2, spending: { kind: "obrien-fleming" } } as const;

const cell = (data: StreamData, share: number): WatchedCell => ({
	key: `${data.name}, ${100 * share} %`,
	data,
	share,
});

/** The whole group-sequential test as it is used: information from the variance of each look, bounds computed there. */
export const groupSequentialInformation = scenario<WatchedCell>({
	name: "group-sequential-information",
	effort: 0.6,
	cells: [
		cell(normal(), 0.5),
		cell(lognormal, 0.5),
		cell(lognormal, 0.1),
		cell(lognormal, 0.01),
		cell(bernoulli(0.01), 0.5),
		cell(bernoulli(0.01), 0.1),
		cell(bernoulli(0.01), 0.01),
		cell(returningUsers(), 0.5),
		cell(returningUsers(), 0.1),
		cell(returningUsers(), 0.01),
	],
	simulate({ data, share }, random, tally) {
		const stream = data.start(share, 0, random);
		const plannedVariance = data.variancePerUnit / (data.plannedUnits * share * (1 - share));
		const tests = [
			{ name: "rejects", test: safeguarded, pastLooks: [] as GroupSequentialLook[], rejects: false },
			{ name: "unsafeguarded", test: textbook, pastLooks: [] as GroupSequentialLook[], rejects: false },
		];
		for (let look = 1; look <= LOOKS; look++) {
			stream.advanceTo(Math.round((look / LOOKS) * data.observations));
			for (const of of tests) {
				if (of.rejects) continue;
				const result = of.test(stream, { plannedVariance, pastLooks: of.pastLooks, final: look === LOOKS });
				// No more information than before, or all of it: the look is left out, as the page says.
				if (result.kind === "not-estimable") continue;
				of.pastLooks.push(result.look);
				of.rejects = result.conclusion === "reject";
			}
		}
		for (const { name, rejects } of tests) tally.count(name, rejects);
	},
});

interface Now {
	readonly plannedVariance: number;
	readonly pastLooks: readonly GroupSequentialLook[];
	readonly final: boolean;
}

function safeguarded({ control, treatment }: Stream, now: Now): GroupSequentialResult | NotEstimable {
	return groupSequentialComparison({ ...now, design: DESIGN, control, treatment });
}

/** With the arms' own variances. */
function textbook({ control, treatment }: Stream, now: Now): GroupSequentialResult | NotEstimable {
	const contrast = ratioContrast(control, treatment);
	if (contrast.kind === "not-estimable") return contrast;
	const effect = { value: contrast.difference, variance: contrast.variance };
	return groupSequentialTest({ ...now, design: DESIGN, effect });
}
