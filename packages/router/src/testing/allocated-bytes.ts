// Prints the bytes that a million assignments allocate, and those of a control that makes an object a call.
// Start with --expose-gc and a young generation that holds all of it.
import { getHeapStatistics } from "node:v8";
import { compileBundle } from "../compile-bundle.ts";
import { RoutingTable } from "../routing-table.ts";
import { sampleExperiment, sampleInput } from "./sample-input.ts";

const CALLS = 1_000_000;
const units = Array.from({ length: 10_000 }, (_, index) => ({ user: `user-${index}@example.com` }));
const attributes = { country: "CH" };
const audience = [{ attribute: "country", in: ["CH", "DE"] }];
const experiment = sampleExperiment({ layer: "chat", audience, allocation: { enrolled: 0.5 } });
const environment = {
	holdout: { key: "q4", share: 0.05 },
	layers: { chat: { slots: { polite: 0.9 } } },
	overrides: [{ unit: "tester", experiment: "polite", variant: "polite" }],
};
const table = RoutingTable.fromFile(compileBundle(sampleInput({ environment, experiments: [experiment] })).file);

function assign(): void {
	for (let index = 0; index < units.length; index++) table.assign("support-reply", units[index]!, attributes);
}

const kept: unknown[] = [];
function control(): void {
	for (let index = 0; index < units.length; index++) kept[index & 63] = { unit: units[index] };
}

function bytesOf(pass: () => void): number {
	const run = () => {
		for (let done = 0; done < CALLS; done += units.length) pass();
	};
	// Until V8 has compiled it: interpreted arithmetic beyond 31 bits allocates.
	run();
	run();
	globalThis.gc?.({ type: "minor" });
	const before = getHeapStatistics().used_heap_size;
	run();
	return getHeapStatistics().used_heap_size - before;
}

console.log(JSON.stringify({ calls: CALLS, assign: bytesOf(assign), control: bytesOf(control) }));
