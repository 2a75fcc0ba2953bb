import { armspan } from "@armspan/instrumentation";
import {
	Agent,
	assistant,
	run as runAgent,
	setTracingDisabled,
	system,
	tool,
	user as userMessage,
} from "@openai/agents";
import { z } from "zod";

setTracingDisabled(true); // the framework's own tracing is no OpenTelemetry, and goes to OpenAI with the prompts

const asItem = { system, user: userMessage, assistant };
const parcelStatus = tool({
	name: "parcel_status",
	description: "Where a parcel is",
	parameters: z.object({ parcel: z.string() }),
	execute: ({ parcel }) => `${parcel} is out for delivery`,
});

/** Answers a customer's question with the prompt version that this user is to get; each request of the agent is tagged. */
async function reply(user: string, question: string): Promise<string> {
	const { messages, model, config, run, feedback } = armspan.prompt("support-reply", {
		user,
		variables: { question },
		// Sent when Armspan has nothing to route by, so that customers get an answer in any case.
		fallback: { model: "gpt-4o-mini", messages: [{ role: "user", content: question }] },
	});
	const items = messages.map(({ role, content }) => asItem[role](content));
	const agent = new Agent({ name: "Support", model, modelSettings: config, tools: [parcelStatus] });
	const answer = await run(() => runAgent(agent, items));
	feedback({ score: 1 }); // thumbs up
	return answer.finalOutput ?? "";
}

const [question = "Where is my parcel?", user = "u-1842"] = process.argv.slice(2);
process.stdout.write(`${await reply(user, question)}\n`);
