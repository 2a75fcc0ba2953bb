/** What recognising a prompt adds to a request, beside what the SDK does to every request: turning it into JSON. */
import { CodePromptMemory } from "../../instrumentation/src/code-prompt-memory.ts";
import { parseMapping } from "../src/mapping-file.ts";
import { PromptRecogniser } from "../src/recognised-prompt.ts";
import { openAiPrompt } from "../src/recognised-texts.ts";

const ROUNDS = 21;
const CALLS = 2000;

/** Median over rounds, in µs of processor time: other programs run on this machine, too. */
function microseconds(call: () => unknown): number {
	const times = Array.from({ length: ROUNDS }, () => {
		const before = process.cpuUsage();
		for (let index = 0; index < CALLS; index++) call();
		return process.cpuUsage(before).user / CALLS;
	});
	return times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN;
}

const system = (index: number) =>
	`You are agent ${index} of Acme, be kind.\n${"why so much text? ".repeat(220)}\nAnswer in English.`;
const user = { role: "user", content: "Where is my parcel? ".repeat(20) };

for (const entries of [1, 20, 200, 1000]) {
	const prompts = Array.from({ length: entries }, (_, index) => ({
		prompt: `p${index}`,
		match: { template: `You are agent ${index} of {{shop}}, be kind.\n{{question}}\nAnswer in {{language}}.` },
	}));
	const { entries: mapped = [] } = parseMapping(JSON.stringify({ prompts }), "bench");
	const recogniser = new PromptRecogniser(mapped, new CodePromptMemory());
	const request = { model: "m", messages: [{ role: "system", content: system(entries - 1) }, user] };
	const recognise = () => recogniser.recognise(openAiPrompt(request));
	if (recognise().identity?.name !== `p${entries - 1}`) throw new Error("the request is not recognised");
	const recognising = microseconds(recognise);
	const serializing = microseconds(() => JSON.stringify(request));
	const ratio = (recognising / serializing).toFixed(2);
	console.log(
		`${entries} entries: ${recognising.toFixed(1)} µs, ${ratio} × JSON.stringify (${serializing.toFixed(1)} µs)`,
	);
}
