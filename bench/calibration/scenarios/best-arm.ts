import { bestArmClaim, trackAndStopAllocation } from "@armspan/stats";
import { ALPHA } from "../looks.ts";
import { scenario } from "../scenario.ts";
import type { StreamRandom } from "../stream-random.ts";
import { bernoulli, emptySums, normal, type RunningSums, type StreamData } from "../unit-data.ts";

/** Stretches of time between which shares may move, and looks. */
const EPOCHS = 14;
const UNITS = 14_000;

interface BestArmCell {
	readonly key: string;
	readonly data: StreamData;
	/** Of each arm, above the null. */
	readonly effects: readonly number[];
	readonly allocation: "equal" | "track-and-stop";
}

const ADAPTIVE = "track-and-stop" as const;

/** Arms of which none, or the first, is the best; a claim is looked for after every epoch. */
export const bestArm = scenario<BestArmCell>({
	name: "best-arm",
	effort: 0.6,
	cells: [
		{ key: "3 equal normal arms, equal shares", data: normal(), effects: [0, 0, 0], allocation: "equal" },
		{ key: "3 equal normal arms, track-and-stop", data: normal(), effects: [0, 0, 0], allocation: ADAPTIVE },
		{ key: "5 equal normal arms, track-and-stop", data: normal(), effects: [0, 0, 0, 0, 0], allocation: ADAPTIVE },
		{
			key: "3 equal arms, Bernoulli 0.01, track-and-stop",
			data: bernoulli(0.01),
			effects: [0, 0, 0],
			allocation: ADAPTIVE,
		},
		{ key: "3 arms, two of them best, track-and-stop", data: normal(), effects: [0.1, 0.1, 0], allocation: ADAPTIVE },
		{ key: "3 arms, one ahead by 0.06 SD, equal shares", data: normal(), effects: [0.06, 0, 0], allocation: "equal" },
		{
			key: "3 arms, one ahead by 0.06 SD, track-and-stop",
			data: normal(),
			effects: [0.06, 0, 0],
			allocation: ADAPTIVE,
		},
	],
	simulate({ data, effects, allocation }, random, tally) {
		const epochs: RunningSums[][] = [];
		const best = Math.max(...effects);
		const unique = effects.filter((effect) => effect === best).length === 1;
		let shares = effects.map(() => 1 / effects.length);
		let claimed: number | null = null;
		for (let epoch = 0; epoch < EPOCHS && claimed === null; epoch++) {
			epochs.push(drawn(data, effects, shares, random));
			const claim = bestArmClaim({ epochs, direction: "increase", alpha: ALPHA, plannedUnits: UNITS });
			if (claim.kind === "estimated" && claim.claimed) claimed = claim.leader;
			if (allocation === ADAPTIVE) shares = nextShares(epochs, shares);
		}
		tally.count("wrong claim", claimed !== null && !(unique && effects[claimed] === best));
		if (unique) tally.count("right claim", claimed !== null && effects[claimed] === best);
	},
});

function drawn(data: StreamData, effects: readonly number[], shares: readonly number[], random: StreamRandom) {
	let [left, leftShare] = [UNITS / EPOCHS, 1];
	return effects.map((effect, arm) => {
		const units = arm === effects.length - 1 ? left : random.binomial(left, Math.min(1, shares[arm]! / leftShare));
		left -= units;
		leftShare -= shares[arm]!;
		// Everybody of this stream is in its treatment.
		const stream = data.start(1, effect, random);
		stream.advanceTo(units);
		return stream.treatment;
	});
}

function nextShares(epochs: readonly RunningSums[][], before: number[]): number[] {
	const arms = before.map((_, arm) => {
		const sums = emptySums();
		for (const epoch of epochs) {
			const of = epoch[arm]!;
			sums.units += of.units;
			sums.sumY += of.sumY;
			sums.sumYY += of.sumYY;
		}
		const mean = sums.sumY / sums.units;
		return { units: sums.units, mean, variance: (sums.sumYY - sums.units * mean * mean) / (sums.units - 1) };
	});
	const next = trackAndStopAllocation({ arms, direction: "increase" });
	return next.kind === "estimated" ? [...next.shares] : before;
}
