import { openai } from "@ai-sdk/openai";
import { OpenTelemetry } from "@ai-sdk/otel";
import { armspan } from "@armspan/instrumentation";
import { generateText, registerTelemetry } from "ai";

// Without this the AI SDK makes no spans. It records prompts and answers unless it is told not to.
registerTelemetry(new OpenTelemetry());
const telemetry = { recordInputs: false, recordOutputs: false };

/** Answers a customer's question with the prompt version that this user is to get. */
async function reply(user: string, question: string): Promise<string> {
	const { messages, model, config, run, feedback } = armspan.prompt("support-reply", {
		user,
		variables: { question },
		// Sent when Armspan has nothing to route by, so that customers get an answer in any case.
		fallback: { model: "gpt-4o-mini", messages: [{ role: "user", content: question }] },
	});
	const answer = await run(() =>
		generateText({ ...config, model: openai(model), messages, allowSystemInMessages: true, maxRetries: 0, telemetry }),
	);
	feedback({ score: 1 }); // thumbs up
	return answer.text;
}

const [question = "Where is my parcel?", user = "u-1842"] = process.argv.slice(2);
process.stdout.write(`${await reply(user, question)}\n`);
