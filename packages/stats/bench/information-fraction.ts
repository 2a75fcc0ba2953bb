/**
 * Whose information should a group-sequential comparison of unequal arms spend its error rate by?
 *
 *     node --conditions=armspan-source packages/stats/bench/information-fraction.ts [streams = 3000] [effect = 0]
 *
 * 50,000 units (10,000 returning users with 10 calls each), seven equally spaced looks, two-sided alpha 0.05,
 * O'Brien–Fleming spending; the effect as a multiple of the one that a fixed test finds with power 0.8. Every number is a
 * share of streams that ever reject; ± 2·√(p(1−p)/streams).
 */
import { returningUsers } from "../../../bench/calibration/returning-users.ts";
import { streamRandom } from "../../../bench/calibration/stream-random.ts";
import { bernoulli, lognormal, normal, type StreamData } from "../../../bench/calibration/unit-data.ts";
import { boundsAlong, type GroupSequentialDesign, type GroupSequentialLook } from "../src/group-sequential-boundary.ts";
import { ratioContrast } from "../src/ratio-contrast.ts";
import { safeguardedContrast } from "../src/safeguarded-contrast.ts";

const LOOKS = 7;
const DESIGN: GroupSequentialDesign = { alpha: 0.05, sides: 2, spending: { kind: "obrien-fleming" } };
const DRIFT = 2.8015852;

interface Glance {
	readonly own: { readonly z: number; readonly information: number };
	readonly safe: { readonly z: number; readonly information: number };
	/** Effective units now, of those planned. */
	readonly units: number;
}

/** Which z-score, which fraction correlates the looks, and which one spends. */
const candidates: Record<string, (glance: Glance) => readonly [z: number, information: number, spending: number]> = {
	"own variance": ({ own }) => [own.z, own.information, own.information],
	"safeguarded variance (adopted)": ({ safe }) => [safe.z, safe.information, safe.information],
	units: ({ safe, units }) => [safe.z, units, units],
	"spent by units, correlated by safeguarded variance": ({ safe, units }) => [safe.z, safe.information, units],
};

function rejections(data: StreamData, share: number, effect: number, streams: number): number[] {
	const rejected = Object.keys(candidates).map(() => 0);
	const effectiveShare = share * (1 - share);
	const plannedVariance = data.variancePerUnit / (data.plannedUnits * effectiveShare);
	for (let repetition = 0; repetition < streams; repetition++) {
		const random = streamRandom("information-fraction", `${data.name}, ${share}`, repetition);
		const stream = data.start(share, effect * DRIFT * Math.sqrt(plannedVariance), random);
		const past = rejected.map((): GroupSequentialLook[] => []);
		const over = rejected.map(() => false);
		for (let look = 1; look <= LOOKS; look++) {
			stream.advanceTo(Math.round((look / LOOKS) * data.observations));
			const [own, safe] = [ratioContrast, safeguardedContrast].map((of) => of(stream.control, stream.treatment));
			if (own?.kind !== "estimated" || safe?.kind !== "estimated") continue;
			const [ownLook, safeLook] = [own, safe].map(({ difference, variance }) => ({
				z: difference / Math.sqrt(variance),
				information: plannedVariance / variance,
			})) as [Glance["own"], Glance["safe"]];
			const { controlUnits, treatmentUnits } = own;
			const harmonic = (controlUnits * treatmentUnits) / (controlUnits + treatmentUnits);
			const glance = { own: ownLook, safe: safeLook, units: harmonic / (data.plannedUnits * effectiveShare) };
			for (const [index, candidate] of Object.values(candidates).entries()) {
				if (over[index]) continue;
				const [z, information, spending] = candidate(glance);
				const looks = past[index]!;
				const last = looks.at(-1)?.informationFraction ?? 0;
				if (last >= 1 || information - last < 1e-4 * information) continue;
				const spendingTime = look === LOOKS ? 1 : Math.min(1, spending);
				const now = { spendingTime, informationFraction: information, units: null, level: null };
				const next = boundsAlong(DESIGN, [...looks, now], looks).at(-1)!;
				looks.push(next);
				if (Math.abs(z) >= next.efficacyBound) {
					over[index] = true;
					rejected[index]!++;
				}
			}
		}
	}
	return rejected.map((count) => count / streams);
}

const [streams = 3000, effect = 0] = process.argv.slice(2).map(Number);
console.log(["data, share", ...Object.keys(candidates)].join(" | "));
for (const data of [normal(), lognormal, bernoulli(0.01), returningUsers()]) {
	for (const share of [0.5, 0.1, 0.05, 0.01]) {
		const rates = rejections(data, share, effect, streams).map((rate) => rate.toFixed(4));
		console.log([`${data.name}, ${100 * share} %`, ...rates].join(" | "));
	}
}
