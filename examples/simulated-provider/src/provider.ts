import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type ChatRequest, InvalidRequest, parseBody } from "./chat-request.ts";
import { changeBehaviour } from "./control.ts";
import { type Fault, faultOf } from "./fault.ts";
import type { ServedLog } from "./served-log.ts";
import { INITIAL_BEHAVIOUR, type SimulatedReply, simulateReply } from "./simulate-reply.ts";
import { usageOf } from "./simulated-usage.ts";
import { openAiError } from "./wire/openai-error.ts";
import { type WireRoute, wireRouteOf } from "./wire/routes.ts";
import type { Answer, WireFormat } from "./wire/wire-format.ts";

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const CHUNKS = 12;

const MESSAGES: Readonly<Record<number, string>> = {
	429: "Rate limit reached; try again later.",
	500: "The server had an error while processing your request.",
};

/** A server that speaks as OpenAI, Anthropic and Google do; not listening yet. */
export function createProvider(options: { readonly seed: number; readonly log: ServedLog }): Server {
	let behaviour = INITIAL_BEHAVIOUR;

	async function handle(request: IncomingMessage, response: ServerResponse, wire: WireRoute | undefined) {
		const route = `${request.method} ${pathOf(request)}`;
		if (route === "GET /healthz") sendJson(response, 200, { status: "ok" });
		else if (route === "GET /control") sendJson(response, 200, behaviour);
		else if (route === "GET /control/served") sendJson(response, 200, options.log.counts());
		else if (route === "POST /control") {
			behaviour = changeBehaviour(behaviour, await readBody(request));
			sendJson(response, 200, { at: new Date().toISOString(), ...behaviour });
		} else if (request.method === "POST" && wire !== undefined) {
			await serve(request, response, wire);
		} else {
			sendJson(response, 404, openAiError({ status: 404, message: `no route ${route}` }));
		}
	}

	async function serve(request: IncomingMessage, response: ServerResponse, route: WireRoute): Promise<void> {
		const { format } = route;
		const chat = format.parse(parseBody(await readBody(request)), route);
		const startedAt = new Date().toISOString();
		const turn = turnOf(request, chat);
		const user = userOf(request, chat);
		const reply = simulateReply(chat, { seed: options.seed, user, turn }, behaviour);
		const fault = faultOf(request.headers["x-simulated-fault"]);
		const status = typeof fault === "number" ? fault : reply.status;
		const answer: Answer = {
			id: reply.id.replace("chatcmpl-", format.idPrefix),
			request: chat,
			text: reply.text,
			finishReason: reply.finishReason,
			usage: usageOf(reply.inputTokens, reply.outputTokens, request.headers["x-simulated-usage"]),
			created: Math.floor(Date.now() / 1000),
		};
		const hungUp = new AbortController();
		response.on("close", () => hungUp.abort());
		response.setHeader(format.requestIdHeader, reply.id.replace("chatcmpl-", "req_"));
		response.setHeader("x-simulated-quality", reply.quality.toFixed(4));
		try {
			if (status !== 200) await refuse(response, format, status, reply, hungUp.signal);
			else if (fault === "hang") await silence(hungUp.signal);
			else if (chat.stream && format.events !== undefined) await stream(response, format, answer, reply, fault, hungUp);
			else await whole(response, format, answer, reply, fault, hungUp.signal);
		} catch (error) {
			if (!hungUp.signal.aborted) throw error;
		}
		options.log.add({
			id: answer.id,
			status,
			user,
			turn,
			promptKind: reply.promptKind,
			stream: chat.stream,
			inputTokens: answer.usage.input,
			outputTokens: status === 200 ? answer.usage.output : 0,
			startedAt,
			finishedAt: new Date().toISOString(),
			completed: response.writableEnded,
		});
	}

	return createServer((request, response) => {
		const wire = wireRouteOf(pathOf(request));
		handle(request, response, wire).catch((error: unknown) => {
			const speak = wire?.format.error ?? openAiError;
			if (response.headersSent) response.destroy();
			else if (error instanceof InvalidRequest) {
				sendJson(response, 400, speak({ status: 400, message: error.message, param: error.param }));
			} else {
				const message = error instanceof Error ? error.message : String(error);
				sendJson(response, 500, speak({ status: 500, message }));
			}
		});
	});
}

async function refuse(
	response: ServerResponse,
	format: WireFormat,
	status: number,
	reply: SimulatedReply,
	signal: AbortSignal,
): Promise<void> {
	await sleep(reply.latencyMs, undefined, { signal });
	sendJson(response, status, format.error({ status, message: MESSAGES[status] ?? "The request failed." }));
}

async function whole(
	response: ServerResponse,
	format: WireFormat,
	answer: Answer,
	reply: SimulatedReply,
	fault: Fault,
	signal: AbortSignal,
): Promise<void> {
	await sleep(reply.latencyMs, undefined, { signal });
	if (fault === "disconnect") response.destroy();
	else if (fault === "malformed") {
		response.writeHead(200, { "content-type": "application/json" });
		response.end(JSON.stringify(format.whole(answer)).slice(0, -10));
	} else sendJson(response, 200, format.whole(answer));
}

async function stream(
	response: ServerResponse,
	format: WireFormat,
	answer: Answer,
	reply: SimulatedReply,
	fault: Fault,
	{ signal }: AbortController,
): Promise<void> {
	const events = format.events?.(answer);
	if (events === undefined) throw new Error("nothing is streamed here");
	response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
	const parts = splitText(answer.text, CHUNKS);
	await sleep(reply.firstTokenMs, undefined, { signal });
	for (const event of events.opening) response.write(event);
	for (const [index, part] of parts.entries()) {
		if (fault === "malformed" && index === 2) response.write(`${events.part(part).trimEnd().slice(0, -10)}\n\n`);
		// Gone in the middle, after what was written has left.
		if (fault === "disconnect" && index === 3) {
			await sleep(50, undefined, { signal });
			response.destroy();
			return;
		}
		response.write(events.part(part));
		await sleep((reply.latencyMs - reply.firstTokenMs) / parts.length, undefined, { signal });
	}
	if (fault === "never-ends") await silence(signal);
	if (fault === "failure-event") response.end(events.failure);
	else {
		for (const event of events.closing) response.write(event);
		response.end();
	}
}

/** Until the client hangs up. */
async function silence(signal: AbortSignal): Promise<never> {
	return new Promise((_, reject) => {
		const hangUp = () => reject(signal.reason);
		if (signal.aborted) hangUp();
		else signal.addEventListener("abort", hangUp, { once: true });
	});
}

/** No provider has a field for the turn of a conversation; the application says it in a header of its own. */
function turnOf(request: IncomingMessage, chat: ChatRequest): number {
	const header = request.headers["x-conversation-turn"];
	if (typeof header === "string" && /^\d{1,9}$/.test(header)) return Number(header);
	return chat.messages.filter(({ role }) => role === "user").length;
}

/** Google has no field for the user either. */
function userOf(request: IncomingMessage, chat: ChatRequest): string {
	const header = request.headers["x-simulated-user"];
	return typeof header === "string" && header !== "" ? header.slice(0, 500) : chat.user;
}

function pathOf(request: IncomingMessage): string {
	return (request.url ?? "/").split("?", 1)[0]!;
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
