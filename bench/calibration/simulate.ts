import type { Scenario } from "./scenario.ts";
import { streamRandom } from "./stream-random.ts";
import { type Tallied, Tally } from "./tally.ts";

/** Repetitions `from` to `to` (without it) of one cell; the same numbers wherever and in whatever parts they are run. */
export function simulate(scenario: Scenario, cellKey: string, from: number, to: number): Tallied {
	const cell = scenario.cells.find(({ key }) => key === cellKey);
	if (cell === undefined) throw new Error(`no cell "${cellKey}" in ${scenario.name}`);
	const tally = new Tally();
	for (let repetition = from; repetition < to; repetition++) {
		scenario.simulate(cell, streamRandom(scenario.name, cellKey, repetition), tally);
	}
	return tally.tallied;
}
