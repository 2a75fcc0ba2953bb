import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { armspan, type RoutedPrompt } from "@armspan/instrumentation";
import OpenAI from "openai";
import { RecentReplies } from "./recent-replies.ts";
import { BadRequest, readJsonObject, readNumber, readText } from "./request-body.ts";

const REMEMBERED_REPLIES = 20_000;

/** Answers support questions; not listening yet. */
export function createApplication(openai: OpenAI): Server {
	const recentReplies = new RecentReplies<RoutedPrompt>(REMEMBERED_REPLIES);

	/** `POST /reply`: answers a customer's question, as JSON or as a stream of events. */
	async function answerQuestion(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const body = await readJsonObject(request);
		const user = readText(body, "user", 200);
		const session = body.session === undefined ? undefined : readText(body, "session", 200);
		const turn = readNumber(body, "turn", 1, 1_000_000);
		const question = readText(body, "question", 4000);
		const customerName = readText(body, "customerName", 200);

		const reply = armspan.prompt("support-reply", {
			user,
			session,
			variables: { question, customerName },
			// Sent when Armspan has nothing to route by, so that customers get an answer in any case.
			fallback: { model: "gpt-4o-mini", messages: [{ role: "user", content: question }] },
		});
		const parameters = { ...reply.config, model: reply.model, messages: reply.messages, user };
		// The simulated provider draws by user and turn; a real one ignores the header.
		const options = { headers: { "x-conversation-turn": String(turn) } };

		if (body.stream === true) {
			const { data: chunks, response: provider } = await reply.run(() =>
				openai.chat.completions
					.create({ ...parameters, stream: true, stream_options: { include_usage: true } }, options)
					.withResponse(),
			);
			passOnQuality(provider, response);
			response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
			for await (const chunk of chunks) {
				const text = chunk.choices[0]?.delta.content;
				if (text) response.write(`data: ${JSON.stringify({ text })}\n\n`);
			}
			response.end(`data: ${JSON.stringify({ id: recentReplies.add(reply) })}\n\n`);
			return;
		}
		const { data: completion, response: provider } = await reply.run(() =>
			openai.chat.completions.create({ ...parameters, stream: false }, options).withResponse(),
		);
		passOnQuality(provider, response);
		sendJson(response, 200, { id: recentReplies.add(reply), answer: completion.choices[0]?.message.content ?? "" });
	}

	/** `POST /feedback`: thumbs up (1) or down (0). */
	async function takeFeedback(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const body = await readJsonObject(request);
		const score = readNumber(body, "score", 0, 1);
		findReply(body).feedback({ score });
		response.writeHead(204).end();
	}

	/** `POST /conversion`: the customer bought something after the answer. */
	async function takeConversion(request: IncomingMessage, response: ServerResponse): Promise<void> {
		findReply(await readJsonObject(request)).convert();
		response.writeHead(204).end();
	}

	function findReply(body: Readonly<Record<string, unknown>>): RoutedPrompt {
		const reply = recentReplies.get(readText(body, "id", 100));
		if (!reply) throw new BadRequest(404, "id: no such reply, or too long ago");
		return reply;
	}

	const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => Promise<void>> = {
		"POST /reply": answerQuestion,
		"POST /feedback": takeFeedback,
		"POST /conversion": takeConversion,
		"GET /healthz": async (_request, response) => sendJson(response, 200, { status: "ok" }),
	};

	return createServer((request, response) => {
		const route = routes[`${request.method} ${request.url?.split("?", 1)[0]}`];
		if (!route) {
			sendJson(response, 404, { error: `not found; there are ${Object.keys(routes).join(", ")}` });
			return;
		}
		route(request, response).catch((error: unknown) => sendFailure(response, error));
	});
}

/** What the simulated provider says a person would think of its answer; simulated people are told, real ones read it. */
function passOnQuality(provider: Response, response: ServerResponse): void {
	const quality = provider.headers.get("x-simulated-quality");
	if (quality !== null) response.setHeader("x-simulated-quality", quality);
}

function sendFailure(response: ServerResponse, error: unknown): void {
	// The answer has begun: cutting it off is the only way left to say that it is not whole.
	if (response.headersSent) response.destroy();
	else if (error instanceof BadRequest) sendJson(response, error.status, { error: error.message });
	else if (error instanceof OpenAI.APIError) {
		sendJson(response, 502, { error: `the provider failed: ${error.status ?? "no connection"}` });
	} else {
		console.error(error);
		sendJson(response, 500, { error: "internal error" });
	}
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
	response.writeHead(status, { "content-type": "application/json" });
	response.end(JSON.stringify(body));
}
