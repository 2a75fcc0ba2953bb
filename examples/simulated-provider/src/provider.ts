import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type ChatRequest, InvalidRequest, parseChatRequest } from "./chat-request.ts";
import { changeBehaviour } from "./control.ts";
import type { ServedLog } from "./served-log.ts";
import { INITIAL_BEHAVIOUR, type SimulatedReply, simulateReply } from "./simulate-reply.ts";

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const CHUNKS = 12;

/** OpenAI-compatible server; not listening yet. */
export function createProvider(options: { readonly seed: number; readonly log: ServedLog }): Server {
	let behaviour = INITIAL_BEHAVIOUR;

	async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const route = `${request.method} ${request.url?.split("?", 1)[0]}`;
		if (route === "GET /healthz") sendJson(response, 200, { status: "ok" });
		else if (route === "GET /control") sendJson(response, 200, behaviour);
		else if (route === "GET /control/served") sendJson(response, 200, options.log.counts());
		else if (route === "POST /control") {
			behaviour = changeBehaviour(behaviour, await readBody(request));
			sendJson(response, 200, { at: new Date().toISOString(), ...behaviour });
		} else if (route === "POST /v1/chat/completions") {
			await complete(request, response);
		} else {
			sendError(response, 404, "invalid_request_error", `no route ${route}`);
		}
	}

	async function complete(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const chat = parseChatRequest(await readBody(request));
		const startedAt = new Date().toISOString();
		const turn = turnOf(request, chat);
		const reply = simulateReply(chat, { seed: options.seed, user: chat.user, turn }, behaviour);
		const hungUp = new AbortController();
		response.on("close", () => hungUp.abort());
		response.setHeader("x-request-id", reply.id.replace("chatcmpl-", "req_"));
		response.setHeader("x-simulated-quality", reply.quality.toFixed(4));
		try {
			await answer(response, chat, reply, hungUp.signal);
		} catch (error) {
			if (!hungUp.signal.aborted) throw error;
		}
		options.log.add({
			id: reply.id,
			status: reply.status,
			user: chat.user,
			turn,
			promptKind: reply.promptKind,
			stream: chat.stream,
			inputTokens: reply.inputTokens,
			outputTokens: reply.status === 200 ? reply.outputTokens : 0,
			startedAt,
			finishedAt: new Date().toISOString(),
			completed: response.writableEnded,
		});
	}

	return createServer((request, response) => {
		handle(request, response).catch((error: unknown) => {
			if (response.headersSent) response.destroy();
			else if (error instanceof InvalidRequest) {
				sendError(response, 400, "invalid_request_error", error.message, error.param);
			} else {
				sendError(response, 500, "server_error", error instanceof Error ? error.message : String(error));
			}
		});
	});
}

async function answer(
	response: ServerResponse,
	chat: ChatRequest,
	reply: SimulatedReply,
	signal: AbortSignal,
): Promise<void> {
	if (reply.status !== 200) {
		await sleep(reply.latencyMs, undefined, { signal });
		if (reply.status === 429) {
			sendError(response, 429, "rate_limit_error", "Rate limit reached; try again later.", null, "rate_limit_exceeded");
		} else {
			sendError(response, 500, "server_error", "The server had an error while processing your request.");
		}
		return;
	}
	const created = Math.floor(Date.now() / 1000);
	const usage = {
		prompt_tokens: reply.inputTokens,
		completion_tokens: reply.outputTokens,
		total_tokens: reply.inputTokens + reply.outputTokens,
	};
	if (!chat.stream) {
		await sleep(reply.latencyMs, undefined, { signal });
		const message = { role: "assistant", content: reply.text, refusal: null };
		const choices = [{ index: 0, message, logprobs: null, finish_reason: reply.finishReason }];
		sendJson(response, 200, { id: reply.id, object: "chat.completion", created, model: chat.model, choices, usage });
		return;
	}

	response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
	// OpenAI sends `usage: null` on every chunk but the last when usage was asked for.
	const noUsage = chat.includeUsage ? { usage: null } : {};
	const send = (choices: unknown[], rest: object = noUsage): void => {
		const chunk = { id: reply.id, object: "chat.completion.chunk", created, model: chat.model, choices, ...rest };
		response.write(`data: ${JSON.stringify(chunk)}\n\n`);
	};
	const delta = (content: object, finish_reason: string | null = null) => [{ index: 0, delta: content, finish_reason }];
	const parts = splitText(reply.text, CHUNKS);
	await sleep(reply.firstTokenMs, undefined, { signal });
	send(delta({ role: "assistant", content: "" }));
	for (const part of parts) {
		send(delta({ content: part }));
		await sleep((reply.latencyMs - reply.firstTokenMs) / parts.length, undefined, { signal });
	}
	send(delta({}, reply.finishReason));
	if (chat.includeUsage) send([], { usage });
	response.end("data: [DONE]\n\n");
}

/** OpenAI has no field for the turn of a conversation; the application says it in a header of its own. */
function turnOf(request: IncomingMessage, chat: ChatRequest): number {
	const header = request.headers["x-conversation-turn"];
	if (typeof header === "string" && /^\d{1,9}$/.test(header)) return Number(header);
	return chat.messages.filter(({ role }) => role === "user").length;
}

function splitText(text: string, parts: number): string[] {
	const length = Math.ceil(text.length / parts);
	return Array.from({ length: Math.ceil(text.length / length) }, (_, i) => text.slice(i * length, (i + 1) * length));
}

async function readBody(request: IncomingMessage): Promise<string> {
	const chunks: Buffer[] = [];
	let bytes = 0;
	for await (const chunk of request as AsyncIterable<Buffer>) {
		bytes += chunk.length;
		if (bytes > MAX_BODY_BYTES) throw new InvalidRequest("body", `expected at most ${MAX_BODY_BYTES} bytes`);
		chunks.push(chunk);
	}
	return Buffer.concat(chunks).toString("utf8");
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
	response.writeHead(status, { "content-type": "application/json" });
	response.end(JSON.stringify(body));
}

function sendError(
	response: ServerResponse,
	status: number,
	type: string,
	message: string,
	param: string | null = null,
	code: string | null = null,
): void {
	sendJson(response, status, { error: { message, type, param, code } });
}
