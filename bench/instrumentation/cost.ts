// What does a routed call cost beside a bare instrumented one, here and with Langfuse? See README.md beside this file.
import { cpus, loadavg } from "node:os";
import { createArmspan } from "@armspan/instrumentation";
import { writeSupportBundle } from "../../packages/instrumentation/src/fixtures/support-bundle.ts";
import { parseMapping } from "../../packages/register/src/mapping-file.ts";
import {
	armspanCases,
	BARE,
	bareCases,
	LANGFUSE_CASES,
	langfuseCases,
	OWN_CASE,
	PROMPT,
	variables,
} from "./hand-made-span.ts";
import { added, type Case, interleave, quantile, type Samples } from "./interleaved.ts";
import { loadLangfuse } from "./langfuse/langfuse.ts";
import { startPromptApi } from "./langfuse/prompt-api.ts";
import { ALONE, LANGFUSE_OPENAI_CASE, OWN_OPENAI_CASE, openAiCases } from "./openai-call.ts";
import { exporter, registerTelemetry, tracers } from "./telemetry.ts";

const [rounds = 801] = process.argv.slice(2).map(Number);
/** In a slice, which then takes 0.05 to 0.6 ms. */
const CALLS = { handMade: 25, openAi: 10 };
const MAPPED = 20;

registerTelemetry();
const routingDirectory = await writeSupportBundle();
const plain = createArmspan({ routingDirectory });
const hashing = createArmspan({ routingDirectory, unitKey: "a key of the bench" });
const signing = createArmspan({ routingDirectory, referenceKey: "a key of the bench with 32 characters" });

if (signing.prompt(PROMPT, { user: "user-1", variables }).reference() === undefined) {
	throw new Error("no reference is signed; expected the reference key to be taken");
}

const api = await startPromptApi();
const langfuse = await loadLangfuse(api.baseUrl);
for (const label of [undefined, "prod-a", "prod-b"]) {
	// Kept for a day, so that no refresh falls into the run.
	const cacheTtlSeconds = 86_400;
	await langfuse.get(PROMPT, { type: "chat", cacheTtlSeconds, ...(label === undefined ? {} : { label }) });
}
const processed = tracers(langfuse.spanProcessor(exporter));

const prompts = Array.from({ length: MAPPED }, (_, index) => ({
	prompt: `mapped-${index}`,
	match: { template: `You are the ${index === MAPPED - 1 ? "plain" : `${index}th`} support agent.`, role: "system" },
}));
const { entries: mapping, problems } = parseMapping(JSON.stringify({ prompts }), "bench");
if (mapping === undefined) throw new Error(problems.join("\n"));

const handMade = [...bareCases(), ...armspanCases(plain, hashing, signing), ...langfuseCases(langfuse, processed)];
const openAi = openAiCases({ armspan: plain, signing, mapping, langfuse, processed });
for (const one of [...handMade, ...openAi]) await check(one);

console.log(`node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, ${rounds} rounds`);
const load = () => loadavg().map((value) => value.toFixed(1));
console.log(`load before: ${load()}`);
const spans = await interleave(handMade, rounds, CALLS.handMade);
show("Span by hand", spans);
for (const other of LANGFUSE_CASES) compare(spans, OWN_CASE, other, BARE);
const requests = await interleave(openAi, rounds, CALLS.openAi);
show("openai", requests);
compare(requests, OWN_OPENAI_CASE, LANGFUSE_OPENAI_CASE, ALONE);
console.log(`load after: ${load()}; Langfuse's prompt API was asked ${api.requests.length} times`);
await api.close();
for (const armspan of [plain, hashing, signing]) armspan.close();

/** A call that is not tagged as it should be costs nothing, and proves nothing. */
async function check({ name, prepare, call, spans = 1, tag }: Case): Promise<void> {
	prepare?.();
	const before = exporter.count;
	await call("user-1");
	// Langfuse's processor hands spans on in a later turn.
	await new Promise((resolve) => setImmediate(resolve));
	const made = exporter.count - before;
	const attributes = exporter.last(made);
	const found = attributes["gen_ai.prompt.name"] ?? attributes["langfuse.observation.prompt.name"];
	if (made !== spans || found !== tag) {
		throw new Error(`${name}: ${made} spans, prompt ${String(found)}; expected ${spans} and ${String(tag)}`);
	}
}

function show(title: string, samples: Samples): void {
	console.log(`\n${title}: µs per call; µs added to its base in the same round (quartiles)`);
	for (const [one, values] of samples) {
		const middle = quantile(values, 0.5).toFixed(1).padStart(8);
		const more = one.base === undefined ? "" : `${quartiles(added(samples, one.name, one.base), 1)} to "${one.base}"`;
		console.log(`${one.name.padEnd(72)}${middle}  ${more}`);
	}
}

/** What two cases add to the same base, as a ratio in each round. */
function compare(samples: Samples, own: string, other: string, base: string): void {
	const ofOwn = added(samples, own, base);
	const ratios = added(samples, other, base).map((value, round) => value / ofOwn[round]!);
	console.log(`"${other}" ÷ "${own}", both added to "${base}": ${quartiles(ratios, 2)}`);
}

function quartiles(values: readonly number[], digits: number): string {
	const [low, half, high] = [0.25, 0.5, 0.75].map((share) => quantile(values, share).toFixed(digits));
	return `${half} (${low} to ${high})`;
}
