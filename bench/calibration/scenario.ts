import type { StreamRandom } from "./stream-random.ts";
import type { Tally } from "./tally.ts";

/** One thing that is simulated, in cells that differ in data and design. */
export interface Scenario<Cell extends { readonly key: string } = { readonly key: string }> {
	readonly name: string;
	/** Repetitions of a cell for every one that was asked for: less where one is long, more where it is short. */
	readonly effort: number;
	readonly cells: readonly Cell[];
	/** One repetition, drawing from `random` alone; what happened goes into `tally`. */
	simulate(cell: Cell, random: StreamRandom, tally: Tally): void;
}

/** So that scenarios of different cells go into one list. */
export function scenario<Cell extends { readonly key: string }>(of: Scenario<Cell>): Scenario {
	return of as unknown as Scenario;
}
