import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { sha256 } from "../adapters/sha256.ts";
import type { RoutingBundle } from "../routing-bundle.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Serves a bundle as the service does, and misbehaves as told. */
export class BundleServer {
	readonly files = new Map<string, Buffer | string>();
	readonly requests: string[] = [];
	readonly authorizations = new Set<string | undefined>();
	readonly streams = new Set<ServerResponse>();
	/** Answers instead, by path: `routing.json`, `events`, `prompts/…`. */
	readonly overrides = new Map<string, Answer>();
	/** For every path without an override of its own. */
	override: Answer | undefined;
	#server: Server | undefined;
	#port = 0;

	get url(): string {
		return `http://127.0.0.1:${this.#port}`;
	}

	/** Starts, or comes back on the same port. */
	async start(): Promise<this> {
		const server = createServer((request, response) => this.#answer(request, response));
		this.#server = server;
		await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
		this.#port = (server.address() as AddressInfo).port;
		return this;
	}

	async stop(): Promise<void> {
		const server = this.#server;
		if (server === undefined) return;
		this.#server = undefined;
		const closed = new Promise((resolve) => server.close(resolve));
		server.closeAllConnections();
		await closed;
	}

	publish(bundle: RoutingBundle, { tell = true }: { tell?: boolean } = {}): void {
		for (const [digest, bytes] of bundle.prompts) this.files.set(`prompts/${digest}.prompt`, Buffer.from(bytes));
		this.files.set("routing.json", bundle.json);
		if (tell) this.tell(`event: bundle\ndata: {"digest":"${sha256(Buffer.from(bundle.json))}"}\n\n`);
	}

	tell(text: string | Buffer): void {
		for (const stream of this.streams) stream.write(text);
	}

	#answer(request: IncomingMessage, response: ServerResponse): void {
		const path = (request.url ?? "").replace("/routing/v1/", "");
		this.requests.push(path);
		this.authorizations.add(request.headers.authorization);
		const override = this.overrides.get(path) ?? this.override;
		if (override !== undefined) override(request, response);
		else if (path === "events") this.#stream(response);
		else this.#file(path, request, response);
	}

	#file(path: string, request: IncomingMessage, response: ServerResponse): void {
		const file = this.files.get(path);
		if (file === undefined) {
			response.writeHead(404).end("not here");
			return;
		}
		const etag = `"${sha256(Buffer.from(file))}"`;
		if (request.headers["if-none-match"] === etag) response.writeHead(304, { etag }).end();
		else response.writeHead(200, { etag }).end(file);
	}

	#stream(response: ServerResponse): void {
		response.writeHead(200, { "content-type": "text/event-stream" });
		response.write(": hello\n\n");
		this.streams.add(response);
		response.on("close", () => this.streams.delete(response));
	}
}
