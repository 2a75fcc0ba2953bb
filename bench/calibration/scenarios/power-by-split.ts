import { type Look, looksAt } from "../looks.ts";
import { scenario } from "../scenario.ts";
import { watch } from "../watch.ts";
import { DATA, SHARES, type WatchedCell } from "./false-positives.ts";

/** z₀.₉₇₅ + z₀.₈: standard errors that a fixed test finds with power 0.8. */
export const DRIFT = 2.8015852;

export const TIMES = [1, 1.5] as const;

export const POWERED = [
	"t-test, once",
	"always-valid, few",
	"hybrid, few",
	"group-sequential, few",
	"unsafeguarded group-sequential, few",
];

interface PoweredCell extends WatchedCell {
	/** The true effect as a multiple of the one that a fixed test at the end finds with power 0.8. */
	readonly times: number;
}

const planned = new Map<string, Look[]>();

/** Streams with an effect, looked at 28 times: how often is it found? */
export const powerBySplit = scenario<PoweredCell>({
	name: "power-by-split",
	effort: 0.4,
	cells: DATA.filter(({ name }) => name !== "Bernoulli 0.99").flatMap((data) =>
		SHARES.flatMap((share) =>
			TIMES.map((times) => ({ key: `${data.name}, ${100 * share} %, ${times}×`, data, share, times })),
		),
	),
	simulate({ key, data, share, times }, random, tally) {
		const looks = planned.get(key) ?? looksAt(data, share, false);
		planned.set(key, looks);
		const effective = data.plannedUnits * share * (1 - share);
		const effect = times * DRIFT * Math.sqrt(data.variancePerUnit / effective);
		const first = watch(data.start(share, effect, random), data, share, looks);
		for (const method of POWERED) tally.count(method, first.has(method));
	},
});
