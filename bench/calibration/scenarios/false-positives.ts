import { type Look, looksAt } from "../looks.ts";
import { returningUsers } from "../returning-users.ts";
import { scenario } from "../scenario.ts";
import { bernoulli, lognormal, normal, type StreamData } from "../unit-data.ts";
import { METHODS, watch } from "../watch.ts";

export const SHARES = [0.5, 0.1, 0.05, 0.01] as const;

export const DATA: readonly StreamData[] = [normal(), lognormal, bernoulli(0.01), bernoulli(0.99), returningUsers()];

export interface WatchedCell {
	readonly key: string;
	readonly data: StreamData;
	readonly share: number;
}

const planned = new Map<string, Look[]>();

/** A/A streams that are watched: how often is there an effect? */
export const falsePositives = scenario<WatchedCell>({
	name: "false-positives",
	effort: 1,
	cells: DATA.flatMap((data) => SHARES.map((share) => ({ key: `${data.name}, ${100 * share} %`, data, share }))),
	simulate({ key, data, share }, random, tally) {
		const looks = planned.get(key) ?? looksAt(data, share, true);
		planned.set(key, looks);
		const first = watch(data.start(share, 0, random), data, share, looks);
		for (const method of METHODS) {
			// Where a unit makes one call, these are the others over again.
			if (method.startsWith("request-level") && data.observations === data.plannedUnits) continue;
			for (const rhythm of ["once", "few", "many"]) {
				tally.count(`${method}, ${rhythm}`, first.has(`${method}, ${rhythm}`));
			}
		}
	},
});
