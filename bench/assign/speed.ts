// How long does an assignment take, here and in other engines? See README.md beside this file.
import { everything, fourArms, twoArms } from "./bundles.ts";
import type { Engine } from "./engine.ts";
import { armspan, armspanRoundRobin } from "./engines/armspan.ts";
import { flagdCore, LEAST_DEFINITION } from "./engines/flagd-core.ts";
import { growthbook } from "./engines/growthbook.ts";
import { launchdarkly } from "./engines/launchdarkly.ts";
import { statsig } from "./engines/statsig.ts";
import { unleash } from "./engines/unleash.ts";
import { idsOf } from "./ids.ts";
import { median, quantile } from "./median.ts";

const [rounds = 41] = process.argv.slice(2).map(Number);
const SETS = 8;
const IDS = 2_000;
/** Of each engine in a round; long against the clock, short against the other work of a machine. */
const SLICE_MS = 2;

const attributes = { country: "CH", age: 30 };
const own = armspan("armspan, 2 arms", twoArms());
const thousand = twoArms(1_000);
const halves: Engine[] = [
	own,
	armspan("armspan, 2 arms, another bundle of one flag", twoArms()),
	armspan("armspan, 2 arms, 1,000 flags in the bundle", thousand),
	flagdCore("@openfeature/flagd-core, 2 arms, the least definition", LEAST_DEFINITION),
	flagdCore("@openfeature/flagd-core, 2 arms, our routing file", twoArms().json),
	await growthbook(),
	await statsig(),
	await launchdarkly(),
	await unleash(),
];
const others: Engine[] = [
	armspan("armspan, gate and 4 arms", fourArms()),
	armspan("armspan, overrides, holdout, layer, audience, gate, 2 arms", everything(), attributes),
	armspanRoundRobin("armspan, each call another of 1,000 flags", thousand),
	flagdCore("@openfeature/flagd-core, gate and 4 arms", fourArms().json),
];
const engines = [...halves, ...others];

for (const engine of halves) {
	const count = 20_000;
	const share = (await engine.run(idsOf(36, 99, count).map((id) => engine.context(id)))) / count;
	// Four standard errors: what fails here does not hash at all.
	if (Math.abs(share - 0.5) > 4 * Math.sqrt(0.25 / count)) throw new Error(`${engine.name}: treatment share ${share}`);
}

for (const length of [11, 36] as const) {
	const sets = Array.from({ length: SETS }, (_, set) => idsOf(length, set, IDS));
	const contexts = new Map(engines.map((engine) => [engine, sets.map((ids) => ids.map(engine.context))]));
	const samples = new Map(engines.map((engine) => [engine, [] as number[]]));
	for (let round = -3; round < rounds; round++) {
		// Another first engine each time: what runs after a slow one finds colder caches.
		for (let turn = 0; turn < engines.length; turn++) {
			const engine = engines[(turn + round + 3) % engines.length]!;
			const nanoseconds = await time(engine, contexts.get(engine)!, round + 3);
			if (round >= 0) samples.get(engine)!.push(nanoseconds);
		}
	}
	console.log(
		`\n${length} characters, ${rounds} rounds: ns per call (quartiles), ratio to the first in the same round`,
	);
	for (const engine of engines) {
		const times = samples.get(engine)!;
		const ratios = times.map((value, round) => value / samples.get(own)![round]!);
		const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(times, share).toFixed(0));
		console.log(
			`${engine.name.padEnd(62)}${middle!.padStart(7)} (${low}–${high})`.padEnd(88),
			median(ratios).toFixed(2),
		);
	}
}

for (const engine of engines) await engine.close?.();

async function time(engine: Engine, sets: readonly (readonly unknown[])[], first: number): Promise<number> {
	let calls = 0;
	const startedAt = performance.now();
	let elapsedMs = 0;
	for (let set = first; elapsedMs < SLICE_MS; set++) {
		const contexts = sets[set % sets.length]!;
		await engine.run(contexts);
		calls += contexts.length;
		elapsedMs = performance.now() - startedAt;
	}
	return (elapsedMs * 1e6) / calls;
}
