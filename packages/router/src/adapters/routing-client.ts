import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import { RouterError } from "../errors.ts";
import { bundleError } from "./bundle-file.ts";

export interface RoutingClientOptions {
	readonly token: string | undefined;
	/** For one whole answer. */
	readonly timeoutMs: number;
	/** Called with each request, to begin it, such as outside of tracing. */
	readonly beginRequest: <T>(begin: () => T) => T;
}

export interface Answer {
	readonly status: 200 | 304 | 404;
	readonly body: Buffer;
	readonly etag: string | undefined;
}

const CONNECT_MS = 3_000;
const PARALLEL_REQUESTS = 8;

/**
 * GET from one folder on a server, with limits on time and size, and without redirects.
 *
 * It is made with `node:http` and not with `fetch`, as its sockets can be kept from keeping the process alive.
 */
export class RoutingClient {
	readonly #base: URL;
	readonly #options: RoutingClientOptions;
	readonly #closed = new AbortController();
	#agent: Agent | undefined;

	constructor(base: URL, options: RoutingClientOptions) {
		this.#base = base;
		this.#options = options;
	}

	address(path: string): string {
		return new URL(path, this.#base).href;
	}

	/** @throws {RouterError} SOURCE_UNREACHABLE, SOURCE_REFUSED, BUNDLE_TOO_LARGE */
	async get(path: string, { maxBytes, etag }: { maxBytes: number; etag?: string | undefined }): Promise<Answer> {
		const { timeoutMs } = this.#options;
		const timeout = new AbortController();
		// The whole answer, not each byte of it: a server that drips must not hold a refresh for ever.
		const timer = setTimeout(() => timeout.abort(), timeoutMs).unref();
		const signal = AbortSignal.any([this.#closed.signal, timeout.signal]);
		const headers = etag === undefined ? {} : { "if-none-match": etag };
		try {
			const response = await this.#send(path, headers, signal);
			const status = this.#checkStatus(path, response);
			const body = status === 200 ? await this.#readBody(path, response, maxBytes) : Buffer.alloc(0);
			// The page of a 404 is nobody's interest, and may be without end.
			if (status === 404) response.destroy();
			else if (status === 304) response.resume();
			return { status, body, etag: response.headers.etag };
		} catch (error) {
			if (error instanceof RouterError) throw error;
			const why = timeout.signal.aborted ? `no whole answer within ${timeoutMs} ms` : String(error);
			throw bundleError("SOURCE_UNREACHABLE", this.address(path), `${why}; the last good bundle stays`, error);
		} finally {
			clearTimeout(timer);
		}
	}

	/** The answer to a request for events, its body still to come. */
	async open(path: string, signal: AbortSignal): Promise<IncomingMessage> {
		const { timeoutMs } = this.#options;
		const silent = new AbortController();
		const timer = setTimeout(() => silent.abort(), timeoutMs).unref();
		const any = AbortSignal.any([this.#closed.signal, signal, silent.signal]);
		const response = await this.#send(path, { accept: "text/event-stream" }, any).finally(() => clearTimeout(timer));
		const type = response.headers["content-type"] ?? "";
		if (response.statusCode === 200 && type.startsWith("text/event-stream")) return response;
		response.destroy();
		throw bundleError("SOURCE_REFUSED", this.address(path), `status ${response.statusCode}, ${type || "no type"}`);
	}

	close(): void {
		this.#closed.abort();
		this.#agent?.destroy();
	}

	async #send(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<IncomingMessage> {
		const url = new URL(path, this.#base);
		// Loaded with the first request: most applications read files.
		const http = url.protocol === "https:" ? await import("node:https") : await import("node:http");
		this.#agent ??= new http.Agent({ keepAlive: true, maxSockets: PARALLEL_REQUESTS });
		const { token, beginRequest } = this.#options;
		const isStream = headers.accept !== undefined;
		return new Promise((resolve, reject) => {
			beginRequest(() => {
				const request = http.request(url, {
					// A stream of events would take one of the sockets for ever.
					agent: isStream ? false : this.#agent!,
					signal,
					headers: {
						"accept-encoding": "identity",
						"user-agent": "armspan",
						...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
						...headers,
					},
				});
				request.on("socket", () => letGo(request));
				request.on("response", resolve);
				request.on("error", reject);
				request.end();
			});
		});
	}

	#checkStatus(path: string, response: IncomingMessage): Answer["status"] {
		const { statusCode = 0 } = response;
		if (statusCode === 200 || statusCode === 304 || statusCode === 404) return statusCode;
		response.destroy();
		const address = this.address(path);
		if (statusCode >= 500 || statusCode === 429) {
			throw bundleError("SOURCE_UNREACHABLE", address, `status ${statusCode}; the last good bundle stays`);
		}
		if (statusCode >= 300 && statusCode < 400) {
			throw bundleError("SOURCE_REFUSED", address, `redirects are not followed; set the address it leads to`);
		}
		const isDenied = statusCode === 401 || statusCode === 403;
		throw bundleError("SOURCE_REFUSED", address, `status ${statusCode}; ${isDenied ? "mend the token" : "see there"}`);
	}

	async #readBody(path: string, response: IncomingMessage, maxBytes: number): Promise<Buffer> {
		const refuse = (fix: string): never => {
			response.destroy();
			throw bundleError("BUNDLE_TOO_LARGE", this.address(path), fix);
		};
		const encoding = response.headers["content-encoding"] ?? "identity";
		if (encoding !== "identity") {
			response.destroy();
			throw bundleError("SOURCE_REFUSED", this.address(path), `encoded as ${encoding}, which was not asked for`);
		}
		const tooLarge = `larger than ${maxBytes} bytes, which is the limit`;
		if (announcedBytes(response.headers) > maxBytes) refuse(tooLarge);
		const chunks: Buffer[] = [];
		let length = 0;
		for await (const chunk of response as AsyncIterable<Buffer>) {
			length += chunk.length;
			if (length > maxBytes) refuse(tooLarge);
			chunks.push(chunk);
		}
		return Buffer.concat(chunks);
	}
}

/** Neither a socket that waits nor one that cannot be opened may keep the process alive for long. */
function letGo(request: ClientRequest): void {
	const socket = request.socket;
	if (socket === null) return;
	socket.unref();
	if (!socket.connecting) return;
	const timer = setTimeout(() => request.destroy(new Error(`no connection within ${CONNECT_MS} ms`)), CONNECT_MS);
	timer.unref();
	socket.once("connect", () => clearTimeout(timer));
	socket.once("close", () => clearTimeout(timer));
}

function announcedBytes(headers: IncomingHttpHeaders): number {
	return Number(headers["content-length"] ?? 0);
}
