import { createHash } from "node:crypto";
import { type EvaluableBundle, evaluateFlag, type FlagEvaluation } from "@armspan/router";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { ServiceError } from "../service-error.ts";

const MAX_BODY_BYTES = 64 * 1024;
/** For one address. A provider asks for every evaluation, so far more than the API's. */
const MAX_REQUESTS_PER_MINUTE = 30_000;

const EvaluationRequest = z
	.object({ context: z.looseObject({ targetingKey: z.string().optional() }).optional() })
	.nullish();

const Metadata = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

const EvaluationSuccess = z.object({
	key: z.string(),
	value: z.record(z.string(), z.unknown()),
	variant: z.string(),
	reason: z.string(),
	metadata: Metadata,
});

const ErrorCode = z.enum(["FLAG_NOT_FOUND", "PARSE_ERROR", "INVALID_CONTEXT", "GENERAL"]);
type ErrorCode = z.infer<typeof ErrorCode>;

const EvaluationFailure = z.object({ key: z.string().optional(), errorCode: ErrorCode, errorDetails: z.string() });
const GeneralError = z.object({ errorDetails: z.string() });
const BulkSuccess = z.object({ flags: z.array(EvaluationSuccess), metadata: Metadata });

const failures = { 400: EvaluationFailure, 413: EvaluationFailure, 415: EvaluationFailure, 503: GeneralError };

export interface OfrepOptions {
	/** The bundle that applications read; `undefined` while there is none. */
	readonly bundle: () => EvaluableBundle | undefined;
}

/**
 * OpenFeature's remote evaluation protocol (open-feature/protocol, OpenAPI 0.3): what `RoutingTable` assigns, for
 * languages without an evaluator of ours. The context's fields are read as by `evaluateFlag`. It records no exposure.
 */
export const ofrep: FastifyPluginAsync<OfrepOptions> = async (scope, { bundle }) => {
	const app = scope.withTypeProvider<ZodTypeProvider>();

	app.setErrorHandler((error: Error & { statusCode?: number; code?: string }, request, reply) => {
		if (error instanceof ServiceError && error.code === "STARTING") {
			return reply.code(503).header("retry-after", "1").send({ errorDetails: error.message });
		}
		const status = error.statusCode ?? 500;
		if (status >= 500) {
			request.log.error({ err: error }, "flag evaluation failed");
			return reply.code(500).send({ errorDetails: "the evaluation failed; the service's log says why" });
		}
		const { "*": key } = request.params as { "*"?: string };
		return reply.code(status).send(failure(key, errorCodeOf(error.code), error.message));
	});

	const config = { rateLimit: { max: MAX_REQUESTS_PER_MINUTE, timeWindow: "1 minute" } };

	// Names of prompts have slashes, which not every client escapes.
	app.post(
		"/ofrep/v1/evaluate/flags/*",
		{
			bodyLimit: MAX_BODY_BYTES,
			config,
			schema: {
				description: "OFREP: what a unit gets of one prompt.",
				params: z.object({ "*": z.string() }),
				body: EvaluationRequest,
				response: { 200: EvaluationSuccess, 404: EvaluationFailure, ...failures },
			},
		},
		async (request, reply) => {
			const current = inUse(bundle());
			const { "*": key } = request.params;
			const evaluation = evaluateFlag(current, key, request.body?.context ?? {});
			if (evaluation === undefined) {
				return reply.code(404).send(failure(key, "FLAG_NOT_FOUND", "there is no prompt of this name"));
			}
			return reply.send(success(key, evaluation));
		},
	);

	app.post(
		"/ofrep/v1/evaluate/flags",
		{
			bodyLimit: MAX_BODY_BYTES,
			config,
			schema: {
				description: "OFREP: what a unit gets of every prompt.",
				headers: z.looseObject({ "if-none-match": z.string().optional() }),
				body: EvaluationRequest,
				response: { 200: BulkSuccess, 304: z.undefined(), ...failures },
			},
		},
		async (request, reply) => {
			const current = inUse(bundle());
			const context = request.body?.context ?? {};
			const flags = current.table.promptNames.flatMap((key) => {
				const evaluation = evaluateFlag(current, key, context);
				return evaluation === undefined ? [] : [success(key, evaluation)];
			});
			const { flagSetId, version } = current.file.metadata;
			const body = { flags, metadata: { flagSetId, version } };
			const etag = `"${createHash("sha256").update(JSON.stringify(body)).digest("base64url")}"`;
			reply.header("etag", etag);
			return matches(request.headers["if-none-match"], etag) ? reply.code(304).send() : reply.send(body);
		},
	);
};

function success(key: string, { value, variant, reason, flagMetadata }: FlagEvaluation) {
	return { key, value, variant, reason, metadata: flagMetadata };
}

function failure(key: string | undefined, errorCode: ErrorCode, errorDetails: string) {
	return { ...(key === undefined ? {} : { key }), errorCode, errorDetails };
}

function inUse(bundle: EvaluableBundle | undefined): EvaluableBundle {
	if (bundle !== undefined) return bundle;
	throw new ServiceError("STARTING", "there is no routing bundle yet; try again in a second");
}

/** Fastify's codes of refused requests in OpenFeature's words. */
function errorCodeOf(code: string | undefined): ErrorCode {
	if (code === "FST_ERR_VALIDATION") return "INVALID_CONTEXT";
	// JSON that is none, and JSON that would reach a prototype.
	return code === undefined || /^FST_ERR_CTP_|^ERR_|^FST_ERR_BAD/.test(code) ? "PARSE_ERROR" : "GENERAL";
}

/** @see RFC 9110, 13.1.2: weak comparison */
function matches(header: string | undefined, etag: string): boolean {
	return (header ?? "").split(",").some((candidate) => {
		const given = candidate.trim().replace(/^W\//, "");
		return given === "*" || given === etag;
	});
}
