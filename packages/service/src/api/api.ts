import { Decision, ExperimentStatus, Name, SeenUnits } from "@armspan/schema";
import helmet from "@fastify/helmet";
import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { authentication } from "../authentication.ts";
import { ServiceError } from "../service-error.ts";
import { ApiError, apiError, ERROR_RESPONSES } from "./api-error.ts";
import { type EvidenceRoutesOptions, evidenceRoutes } from "./evidence-routes.ts";
import { type ForgetRouteOptions, forgetRoute } from "./forget-route.ts";
import { Health } from "./health.ts";
import { invalidRequest, type ValidationFailure } from "./invalid-request.ts";
import { type OfrepOptions, ofrep } from "./ofrep.ts";
import { openApi } from "./open-api.ts";
import { HealthMetrics } from "./prometheus.ts";
import { type RoutingRoutesOptions, routingRoutes } from "./routing-routes.ts";
import { isStoreUnreachable, statusOfError } from "./status-of-error.ts";

/** What the API shows of the service. */
interface ApiBackend {
	health(): Promise<Health>;
	experiments(): { key: string; prompt: string; status: ExperimentStatus; iteration: number }[];
	decisions(experiment: string | undefined): Promise<Decision[]>;
	units(filter: {
		unit: SeenUnits["unit"];
		since: Date;
		limit: number;
	}): Promise<Pick<SeenUnits, "units" | "truncated" | "hashed">>;
}

export interface ApiOptions extends OfrepOptions, EvidenceRoutesOptions, ForgetRouteOptions {
	backend: ApiBackend;
	/** The bundle to serve to applications; without it those routes do not exist. */
	routing?: RoutingRoutesOptions | undefined;
	token: string | undefined;
	version: string;
	logger: FastifyBaseLogger;
}

type RouteError = Error & ValidationFailure & { statusCode?: number; code?: string };

/** Ids listed in one answer: some megabytes. */
const MAX_UNITS = 200_000;

/** The HTTP API and OFREP; it changes nothing but that it forgets units. `GET /api/v1/openapi.json` describes it. */
export async function createApi(options: ApiOptions): Promise<FastifyInstance> {
	const { backend } = options;
	const app = Fastify({
		loggerInstance: options.logger,
		logController: new LogController({ disableRequestLogging: true }),
	}).withTypeProvider<ZodTypeProvider>();
	app.setValidatorCompiler(validatorCompiler);
	app.setSerializerCompiler(serializerCompiler);
	app.addHook("onRequest", authentication(options.token));
	await app.register(helmet);
	await app.register(rateLimit, { max: 600, timeWindow: "1 minute" });
	await app.register(swagger, openApi(options.version));

	app.setErrorHandler((error: RouteError, request, reply) => {
		if (error instanceof ServiceError && error.code === "STARTING") {
			return reply.code(503).header("retry-after", "1").send({ code: error.code, message: error.message });
		}
		if (isStoreUnreachable(error)) {
			request.log.error({ err: error }, "the evidence store does not answer");
			const message = "the evidence store does not answer, so nothing can be measured; ask again";
			return reply.code(503).header("retry-after", "5").send({ code: "STORE_UNAVAILABLE", message });
		}
		const status = statusOfError(error);
		if (status === 503) reply.header("retry-after", "5");
		if (status >= 500 && status !== 503) {
			request.log.error({ err: error }, "request failed");
			return reply.code(status).send(apiError("INTERNAL", "the request failed; the service's log says why"));
		}
		const invalid = invalidRequest(error, request);
		if (invalid !== undefined) return reply.code(status).send(apiError("INVALID_REQUEST", invalid));
		const isOwn = error.code !== undefined && !error.code.startsWith("FST_");
		return reply
			.code(status)
			.send(isOwn ? { code: error.code, message: error.message } : apiError("BAD_REQUEST", error.message));
	});
	app.setNotFoundHandler((request, reply) =>
		reply
			.code(404)
			.send(
				apiError(
					"NOT_FOUND",
					`${request.method} ${request.url.slice(0, 200)} does not exist; see /api/v1/openapi.json`,
				),
			),
	);

	app.get(
		"/healthz",
		{
			schema: {
				operationId: "getHealth",
				summary: "Whether the service works, and what is wrong",
				response: { 200: Health, 503: Health, "4xx": ApiError },
			},
		},
		async (_request, reply) => {
			const health = await backend.health();
			return reply.code(health.store === "ok" ? 200 : 503).send(health);
		},
	);

	const metrics = new HealthMetrics(() => backend.health());
	app.get("/metrics", { schema: { hide: true } }, async (_request, reply) =>
		reply.type("text/plain; version=0.0.4; charset=utf-8").send(await metrics.text()),
	);

	app.get("/api/v1/openapi.json", { schema: { hide: true } }, () => app.swagger());

	app.get(
		"/api/v1/experiments",
		{
			schema: {
				operationId: "listExperiments",
				summary: "Experiments of the deployed commit",
				response: {
					...ERROR_RESPONSES,
					200: z.strictObject({
						experiments: z.array(
							z.strictObject({ key: Name, prompt: z.string(), status: ExperimentStatus, iteration: z.int() }),
						),
					}),
				},
			},
		},
		() => ({ experiments: backend.experiments() }),
	);

	app.get(
		"/api/v1/units",
		{
			schema: {
				operationId: "listUnits",
				summary: "Units seen lately",
				description: "Units seen since a time, most recent first; what `armspan routing diff --url` asks about.",
				querystring: z.strictObject({
					since: z.iso.datetime(),
					unit: SeenUnits.shape.unit.default("user"),
					limit: z.coerce.number().int().min(1).max(MAX_UNITS).default(MAX_UNITS),
				}),
				response: { 200: SeenUnits, ...ERROR_RESPONSES },
			},
		},
		async ({ query: { since, unit, limit } }) => {
			const seen = await backend.units({ unit, since: new Date(since), limit });
			return { schemaVersion: 1 as const, unit, since, ...seen };
		},
	);

	app.get(
		"/api/v1/decisions",
		{
			schema: {
				operationId: "listDecisions",
				summary: "Decisions with their inputs, oldest first",
				querystring: z.strictObject({ experiment: Name.optional() }),
				response: { 200: z.strictObject({ decisions: z.array(Decision) }), ...ERROR_RESPONSES },
			},
		},
		async (request) => ({ decisions: await backend.decisions(request.query.experiment) }),
	);

	await app.register(evidenceRoutes, { evidence: options.evidence });
	await app.register(forgetRoute, { forgetUnit: options.forgetUnit });
	await app.register(ofrep, { bundle: options.bundle });
	if (options.routing !== undefined) {
		await app.register(routingRoutes, options.routing);
	}
	return app;
}
