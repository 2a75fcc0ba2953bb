import type { LoadedBundle } from "@armspan/router";
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import type { PublishedBundle } from "../routing/published-bundle.ts";
import { ServiceError } from "../service-error.ts";
import { apiError } from "./api-error.ts";
import { RoutingEvents } from "./routing-events.ts";

const HEARTBEAT_MS = 15_000;
const MAX_EVENT_STREAMS = 1_000;
const PROMPT_FILE = /^([0-9a-f]{64})\.prompt$/;

export interface RoutingRoutesOptions {
	readonly published: PublishedBundle;
	/** @default 15000 */
	readonly heartbeatMs?: number | undefined;
	/** @default 1000 */
	readonly maxEventStreams?: number | undefined;
}

/** The routing bundle as files, for `HttpBundleSource`, and events that say when there is a new one. */
export const routingRoutes: FastifyPluginAsync<RoutingRoutesOptions> = async (app, options) => {
	const { published, heartbeatMs = HEARTBEAT_MS, maxEventStreams = MAX_EVENT_STREAMS } = options;
	const events = new RoutingEvents({ maxStreams: maxEventStreams, heartbeatMs });
	const unsubscribe = published.subscribe((bundle) => events.announce(bundle));
	// Before the server waits for its connections to end, which a stream of events never would.
	app.addHook("preClose", async () => {
		unsubscribe();
		events.close();
	});
	// A first fetch asks for every prompt, and many applications may share an address; all of it lies in memory.
	const route = { config: { rateLimit: false }, schema: { hide: true } } as const;

	app.get("/routing/v1/routing.json", route, (request, reply) => {
		const { bytes, routingDigest, table } = current(published);
		reply.header("armspan-revision", table.revision);
		return sendFile(request, reply, { bytes: bytes.routing, type: "application/json", etag: `"${routingDigest}"` });
	});

	const companions = {
		"routing.json.sig": ({ bytes }: LoadedBundle) => bytes.signature,
		"rollback.json": ({ bytes }: LoadedBundle) => bytes.rollback,
		"rollback.json.sig": ({ bytes }: LoadedBundle) => bytes.rollbackSignature,
	};
	for (const [name, bytesOf] of Object.entries(companions)) {
		app.get(`/routing/v1/${name}`, route, (request, reply) => {
			const bytes = bytesOf(current(published));
			return bytes === undefined
				? reply.code(404).send(apiError("NOT_FOUND", `the bundle has no ${name}`))
				: sendFile(request, reply, { bytes, type: "text/plain" });
		});
	}

	app.get<{ Params: { file: string } }>("/routing/v1/prompts/:file", route, (request, reply) => {
		const digest = PROMPT_FILE.exec(request.params.file)?.[1];
		const bytes = digest === undefined ? undefined : published.prompt(digest);
		if (bytes === undefined) {
			return reply.code(404).send(apiError("NOT_FOUND", "the bundle names no prompt file of this digest"));
		}
		reply.header("cache-control", "private, max-age=31536000, immutable");
		return sendFile(request, reply, { bytes, type: "text/plain; charset=utf-8", etag: `"${digest}"` });
	});

	app.get("/routing/v1/events", route, (_request, reply) => {
		const stream = events.open(current(published));
		if (stream === undefined) {
			reply.code(503).header("retry-after", "30");
			return reply.send(apiError("TOO_MANY_STREAMS", `${maxEventStreams} streams of events are open; poll instead`));
		}
		return reply
			.type("text/event-stream")
			.header("cache-control", "no-store")
			.header("x-accel-buffering", "no")
			.header("connection", "close")
			.send(stream);
	});
};

function current(published: PublishedBundle): LoadedBundle {
	if (published.current !== undefined) return published.current;
	throw new ServiceError("STARTING", "nothing is deployed yet; try again in a second");
}

interface ServedFile {
	readonly bytes: Uint8Array;
	readonly type: string;
	readonly etag?: string;
}

function sendFile(request: FastifyRequest, reply: FastifyReply, { bytes, type, etag }: ServedFile): FastifyReply {
	if (etag !== undefined) {
		reply.header("etag", etag);
		if (matches(request.headers["if-none-match"], etag)) return reply.code(304).send();
	}
	if (!reply.hasHeader("cache-control")) reply.header("cache-control", "no-cache");
	return reply.type(type).send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** A proxy that compresses makes a strong tag weak; for a condition they are the same. */
function matches(condition: string | undefined, etag: string): boolean {
	return condition?.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag) ?? false;
}
