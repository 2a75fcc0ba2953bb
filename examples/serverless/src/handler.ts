import { armspan } from "@armspan/instrumentation";
import OpenAI from "openai";

const client = new OpenAI({ maxRetries: 0 }); // the SDK's own retries would hide failures

/** What platforms hand to a function besides the request: Vercel, Cloudflare, Lambda with response streaming. */
interface Platform {
	/** Keeps the function running for the promise, after the answer was sent. */
	waitUntil(promise: Promise<unknown>): void;
}

/** `POST /` asks the model; `POST /feedback` takes what the user said, perhaps in another instance, days later. */
export async function handle(request: Request, platform: Platform): Promise<Response> {
	// Frozen between requests, the function has no later in which telemetry could leave.
	const finished = Promise.withResolvers<void>();
	platform.waitUntil(finished.promise.then(() => armspan.flush()));
	try {
		const body = (await request.json()) as Record<string, string>;
		return new URL(request.url).pathname === "/feedback" ? rate(body) : await reply(body);
	} finally {
		finished.resolve();
	}
}

async function reply({ user = "", question = "" }: Record<string, string>): Promise<Response> {
	const routed = armspan.prompt("support-reply", {
		user,
		variables: { question },
		fallback: { model: "gpt-4o-mini", messages: [{ role: "user", content: question }] },
	});
	const { messages, model, config, run } = routed;
	const answer = await run(() => client.chat.completions.create({ ...config, model, messages }));
	// Signed: the browser sends it back with the thumb, and cannot make it say anything else.
	return Response.json({ text: answer.choices[0]?.message.content ?? "", reference: routed.reference() });
}

function rate({ reference = "", thumb }: Record<string, string>): Response {
	const taken = armspan.feedback(reference, { score: thumb === "up" ? 1 : 0 });
	return new Response(null, { status: taken ? 204 : 400 });
}
