// What does Armspan add to an instrumented LLM call? See README.md beside this file.
import { TracerProvider } from "@opentelemetry/sdk-trace";
import { writeSupportBundle } from "../src/fixtures/support-bundle.ts";
import { recordTelemetry } from "../src/fixtures/telemetry.ts";
import { ArmspanSpanProcessor, createArmspan } from "../src/index.ts";

const ROUNDS = 41;
const CALLS = 2000;
const USERS = Array.from({ length: CALLS }, (_, index) => `user-${index}`);
const variables = { question: "Where is my parcel? I ordered it two weeks ago." };

const telemetry = recordTelemetry();
const plain = new TracerProvider({ spanProcessors: [] }).getTracer("bench");
const tagged = new TracerProvider({ spanProcessors: [new ArmspanSpanProcessor()] });
const tracer = tagged.getTracer("bench");
const routingDirectory = await writeSupportBundle();
const options = { attributes: { "gen_ai.operation.name": "chat" } };

/** @returns µs per call, one number per round */
function measure(call: (user: string) => void): number[] {
	return Array.from({ length: ROUNDS }, () => {
		telemetry.events.length = 0;
		const startedAt = performance.now();
		for (const user of USERS) call(user);
		return ((performance.now() - startedAt) * 1000) / CALLS;
	});
}

const raw = createArmspan({ routingDirectory });
const hashed = createArmspan({ routingDirectory, unitKey: "a key of the bench" });
const cases = {
	"span alone": (_user: string) => plain.startSpan("chat", options).end(),
	"span, routed, rendered, tagged": (user: string) =>
		raw.prompt("support-reply", { user, variables }).run(() => tracer.startSpan("chat", options).end()),
	"the same, unit ids hashed": (user: string) =>
		hashed.prompt("support-reply", { user, variables }).run(() => tracer.startSpan("chat", options).end()),
};
const rounds = Object.fromEntries(Object.entries(cases).map(([name, call]) => [name, measure(call)]));
const median = (values: readonly number[]) => values.toSorted((left, right) => left - right)[values.length >> 1] ?? 0;
const alone = median(rounds["span alone"] ?? []);
for (const [name, values] of Object.entries(rounds)) {
	const middle = median(values);
	console.log(`${name}: median ${middle.toFixed(2)} µs, added ${(middle - alone).toFixed(2)} µs`);
}
raw.close();
hashed.close();
