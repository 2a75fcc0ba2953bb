import { armspan } from "@armspan/instrumentation";
import { ChatOpenAI } from "@langchain/openai";

/** Answers a customer's question with the prompt version that this user is to get. */
async function reply(user: string, question: string): Promise<string> {
	const { messages, model, config, run, feedback } = armspan.prompt("support-reply", {
		user,
		variables: { question },
		// Sent when Armspan has nothing to route by, so that customers get an answer in any case.
		fallback: { model: "gpt-4o-mini", messages: [{ role: "user", content: question }] },
	});
	const chat = new ChatOpenAI({ ...config, model, maxRetries: 0 });
	const answer = await run(() => chat.invoke(messages.map(({ role, content }): [string, string] => [role, content])));
	feedback({ score: 1 }); // thumbs up
	return answer.text;
}

const [question = "Where is my parcel?", user = "u-1842"] = process.argv.slice(2);
process.stdout.write(`${await reply(user, question)}\n`);
