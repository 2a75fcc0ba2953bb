import type { StreamRandom } from "./stream-random.ts";
import { emptySums, type Stream, type StreamData } from "./unit-data.ts";

/** Calls a user makes by the end, on average. */
export const CALLS_PER_USER = 10;
/** Share of a call's variance that lies between users. */
export const INTRACLASS_CORRELATION = 0.3;
const BETWEEN = Math.sqrt(INTRACLASS_CORRELATION);
const WITHIN = Math.sqrt(1 - INTRACLASS_CORRELATION);

/**
 * Users who return: calls come in random order, so that at every look a user has made a Poisson number of them, and the
 * ratio's denominator is random too. One call is standard normal around the effect, with ICC 0.3.
 */
export function returningUsers(users = 10_000): StreamData {
	return {
		name: "returning users",
		observations: users * CALLS_PER_USER,
		plannedUnits: users,
		variancePerUnit: variancePerUser(CALLS_PER_USER),
		informationFraction: (share) => variancePerUser(CALLS_PER_USER) / variancePerUser(share * CALLS_PER_USER),
		start: (share, effect, random) => startReturning(users, share, effect, random),
	};
}

/** K·Var(ΣS/ΣN) when a user has made a Poisson number of calls. */
function variancePerUser(calls: number): number {
	return INTRACLASS_CORRELATION + 1 / calls;
}

function startReturning(users: number, share: number, effect: number, random: StreamRandom): Stream {
	const [control, treatment] = [emptySums(), emptySums()];
	const calls = { control: emptySums(), treatment: emptySums() };
	const level = new Float64Array(users);
	const sumOf = new Float64Array(users);
	const callsOf = new Int32Array(users);
	const treated = new Uint8Array(users);
	for (let user = 0; user < users; user++) {
		treated[user] = random.bernoulli(share) ? 1 : 0;
		level[user] = BETWEEN * random.normal() + (treated[user] === 1 ? effect : 0);
	}
	let seen = 0;
	return {
		control,
		treatment,
		calls,
		advanceTo(until) {
			for (; seen < until; seen++) {
				const user = random.integer(users);
				const value = level[user]! + WITHIN * random.normal();
				const [before, times] = [sumOf[user]!, callsOf[user]!];
				const arm = treated[user] === 1 ? treatment : control;
				if (times === 0) arm.units++;
				// (s + y)² − s², (n + 1)² − n² and (s + y)(n + 1) − s·n: a unit's totals change, nothing is recounted.
				arm.sumY += value;
				arm.sumN += 1;
				arm.sumYY += (2 * before + value) * value;
				arm.sumNN += 2 * times + 1;
				arm.sumYN += before + value * (times + 1);
				sumOf[user] = before + value;
				callsOf[user] = times + 1;
				const each = treated[user] === 1 ? calls.treatment : calls.control;
				each.sumY += value;
				each.sumYY += value * value;
				each.units++;
			}
			for (const each of [calls.control, calls.treatment]) {
				each.sumN = each.units;
				each.sumNN = each.units;
				each.sumYN = each.sumY;
			}
		},
	};
}
