import { armspan } from "@armspan/instrumentation";
import { GoogleGenAI } from "@google/genai";

const client = new GoogleGenAI({ apiKey: process.env.GEMINI_API_KEY ?? "" });

/** Answers a customer's question with the prompt version that this user is to get. */
async function reply(user: string, question: string): Promise<string> {
	const { messages, model, config, run, feedback } = armspan.prompt("support-reply", {
		user,
		variables: { question },
		// Sent when Armspan has nothing to route by, so that customers get an answer in any case.
		fallback: { model: "gemini-2.5-flash", messages: [{ role: "user", content: question }] },
	});
	// Google takes the system message apart from the contents, and calls the assistant "model".
	const system = messages.filter(({ role }) => role === "system").map(({ content }) => content);
	const contents = messages.flatMap(({ role, content }) =>
		role === "system" ? [] : [{ role: role === "assistant" ? "model" : role, parts: [{ text: content }] }],
	);
	const answer = await run(() =>
		client.models.generateContent({ model, contents, config: { ...config, systemInstruction: system.join("\n") } }),
	);
	feedback({ score: 1 }); // thumbs up
	return answer.text ?? "";
}

const [question = "Where is my parcel?", user = "u-1842"] = process.argv.slice(2);
process.stdout.write(`${await reply(user, question)}\n`);
