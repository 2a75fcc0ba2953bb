// Does memory stay flat while nobody takes the telemetry? See README.md beside this file.
import { trace } from "@opentelemetry/api";
import { writeSupportBundle } from "../src/fixtures/support-bundle.ts";
import { armspan } from "../src/index.ts";

const CALLS = Number(process.argv[2] ?? 1_000_000);
/** As many at once before the event loop has its turn. */
const TURN = 500;
/** Live memory shows a leak, resident memory what the host pays. */
function megabytes(): string {
	const resident = process.memoryUsage().rss;
	globalThis.gc?.();
	const live = process.memoryUsage().heapUsed;
	return `${Math.round(resident / 1e6)} MB resident, ${Math.round(live / 1e6)} MB live`;
}

armspan.start({ routingDirectory: await writeSupportBundle(), referenceKey: "a key of the bench with 32 characters" });
const tracer = trace.getTracer("bench");
const startedAt = performance.now();
for (let call = 1; call <= CALLS; call++) {
	const variables = { question: "Where is my parcel? I ordered it two weeks ago." };
	const routed = armspan.prompt("support-reply", { user: `user-${call % 300_000}`, variables });
	routed.run(() => tracer.startSpan("chat gpt-4o", { attributes: { "gen_ai.operation.name": "chat" } }).end());
	if (!armspan.feedback(routed.reference() ?? "", { score: 1 }))
		throw new Error(`call ${call}: the reference is refused`);
	if (call % TURN === 0) await new Promise((resolve) => setImmediate(resolve));
	if (call % (CALLS / 10) === 0) console.log(`${call} calls: ${megabytes()}`);
}
console.log(`${((performance.now() - startedAt) * 1000) / CALLS} µs a call`);
console.log(JSON.stringify(armspan.status().drops));
process.exit(0);
