import { type GroupSequentialLook, groupSequentialTest, ratioContrast } from "@armspan/stats";
import { ALPHA } from "../looks.ts";
import { returningUsers } from "../returning-users.ts";
import { scenario } from "../scenario.ts";
import { bernoulli, lognormal, normal } from "../unit-data.ts";
import type { WatchedCell } from "./false-positives.ts";

const LOOKS = 7;
const DESIGN = { alpha: ALPHA, sides: 2, spending: { kind: "obrien-fleming" } } as const;

/** The whole group-sequential test as it is used: information from the variance of each look, bounds computed there. */
export const groupSequentialInformation = scenario<WatchedCell>({
	name: "group-sequential-information",
	effort: 0.4,
	cells: [
		{ key: "normal, 50 %", data: normal(), share: 0.5 },
		{ key: "lognormal σ 1.5, 50 %", data: lognormal, share: 0.5 },
		{ key: "Bernoulli 0.01, 10 %", data: bernoulli(0.01), share: 0.1 },
		{ key: "returning users, 50 %", data: returningUsers(), share: 0.5 },
		{ key: "returning users, 10 %", data: returningUsers(), share: 0.1 },
	],
	simulate({ data, share }, random, tally) {
		const stream = data.start(share, 0, random);
		const plannedVariance = data.variancePerUnit / (data.plannedUnits * share * (1 - share));
		const pastLooks: GroupSequentialLook[] = [];
		let rejects = false;
		for (let look = 1; look <= LOOKS && !rejects; look++) {
			stream.advanceTo(Math.round((look / LOOKS) * data.observations));
			const contrast = ratioContrast(stream.control, stream.treatment);
			if (contrast.kind === "not-estimable") continue;
			const effect = { value: contrast.difference, variance: contrast.variance };
			const final = look === LOOKS;
			const result = groupSequentialTest({ design: DESIGN, pastLooks, effect, plannedVariance, final });
			// No more information than before, or all of it: the look is left out, as the page says.
			if (result.kind === "not-estimable") continue;
			pastLooks.push(result.look);
			rejects = result.conclusion === "reject";
		}
		tally.count("rejects", rejects);
	},
});
