// How many bytes does an assignment allocate? See README.md beside this file.
import { getHeapStatistics } from "node:v8";
import { everything, fourArms, twoArms } from "./bundles.ts";
import type { Engine } from "./engine.ts";
import { armspan } from "./engines/armspan.ts";
import { flagdCore, LEAST_DEFINITION } from "./engines/flagd-core.ts";
import { idsOf } from "./ids.ts";

const CALLS = 10_000_000;
/** Many, as each turn through them costs a few bytes of the loop around. */
const IDS = 100_000;

const attributes = { country: "CH", age: 30 };
const kept: unknown[] = [];
const control: Engine = {
	name: "control: one object of one field a call",
	context: (id) => id,
	run(contexts) {
		for (let index = 0; index < contexts.length; index++) kept[index & 63] = { id: contexts[index] };
		return 0;
	},
};
const engines: readonly [Engine, calls: number][] = [
	[armspan("armspan, 2 arms", twoArms()), CALLS],
	[armspan("armspan, gate and 4 arms", fourArms()), CALLS],
	[armspan("armspan, overrides, holdout, layer, audience, gate, 2 arms", everything(), attributes), CALLS],
	[armspan("armspan, 1,000 flags", twoArms(1_000)), CALLS],
	[control, CALLS / 10],
	[flagdCore("@openfeature/flagd-core, 2 arms", LEAST_DEFINITION), CALLS / 100],
];

const { gc } = globalThis;
if (gc === undefined) throw new Error("start with --expose-gc --min-semi-space-size=256 --max-semi-space-size=256");
for (const [engine, calls] of engines) {
	for (const length of [11, 36] as const) {
		const contexts = idsOf(length, 0, IDS).map((id) => engine.context(id));
		const run = (count: number) => {
			for (let done = 0; done < count; done += IDS) engine.run(contexts);
		};
		// Until V8 has compiled it: interpreted arithmetic beyond 31 bits allocates.
		run(calls / 10);
		await new Promise((resolve) => setTimeout(resolve, 100));
		run(calls / 10);
		// Nothing is collected until 256 MiB are full, so all that is allocated shows.
		gc({ type: "minor" });
		const before = getHeapStatistics().used_heap_size;
		run(calls);
		const bytes = getHeapStatistics().used_heap_size - before;
		console.log(`${engine.name}, ${length} characters: ${bytes} bytes in ${calls} calls, ${bytes / calls} a call`);
	}
}
