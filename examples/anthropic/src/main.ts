import Anthropic from "@anthropic-ai/sdk";
import { armspan } from "@armspan/instrumentation";

const client = new Anthropic({ maxRetries: 0 }); // the SDK's own retries would hide failures

/** Answers a customer's question with the prompt version that this user is to get. */
async function reply(user: string, question: string): Promise<string> {
	const { messages, model, config, run, feedback } = armspan.prompt("support-reply", {
		user,
		variables: { question },
		// Sent when Armspan has nothing to route by, so that customers get an answer in any case.
		fallback: { model: "claude-haiku-4-5", messages: [{ role: "user", content: question }] },
	});
	// Anthropic takes the system message apart from the turns.
	const system = messages.filter(({ role }) => role === "system").map(({ content }) => content);
	const turns = messages.flatMap(({ role, content }) => (role === "system" ? [] : [{ role, content }]));
	const answer = await run(() =>
		client.messages.create({ max_tokens: 500, ...config, model, system: system.join("\n"), messages: turns }),
	);
	feedback({ score: 1 }); // thumbs up
	return answer.content.map((block) => (block.type === "text" ? block.text : "")).join("");
}

const [question = "Where is my parcel?", user = "u-1842"] = process.argv.slice(2);
process.stdout.write(`${await reply(user, question)}\n`);
