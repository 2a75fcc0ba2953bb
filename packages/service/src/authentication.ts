import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { apiError } from "./api/api-error.ts";

const LOOPBACK_NAMES = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Whether an address to listen on can be reached from this machine only. */
export function isLoopback(host: string): boolean {
	return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * With a token: a request must carry `Authorization: Bearer <token>`.
 * Without one (loopback only): its `Host` must be this machine, so that no web page can reach the
 * service by pointing a name of its own at 127.0.0.1.
 */
export function authentication(token: string | undefined) {
	const expected = token === undefined ? undefined : digest(`Bearer ${token}`);
	return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
		if (expected === undefined) {
			if (!LOOPBACK_NAMES.has(request.hostname) && !isLoopback(request.hostname)) {
				await reply
					.code(403)
					.send(
						apiError("HOST_REFUSED", `host "${request.hostname}" is not this machine; set a token to serve others`),
					);
			}
			return;
		}
		// Digests have one length, so the comparison says nothing about the token's.
		if (!timingSafeEqual(digest(request.headers.authorization ?? ""), expected)) {
			await reply
				.code(401)
				.header("www-authenticate", "Bearer")
				.send(apiError("UNAUTHENTICATED", "expected Authorization: Bearer <token>"));
		}
	};
}

function digest(text: string): Buffer {
	return createHash("sha256").update(text).digest();
}
