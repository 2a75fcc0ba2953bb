import {
	ExperimentResults,
	MetricKey,
	MetricList,
	Name,
	PowerPlan,
	PromptName,
	SqlAnswer,
	SqlQuestion,
	VersionComparison,
} from "@armspan/schema";
import type { FastifyPluginCallbackZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { EvidenceReader } from "../evidence/evidence-reader.ts";
import { apiError, ERROR_RESPONSES } from "./api-error.ts";

export interface EvidenceRoutesOptions {
	readonly evidence: Pick<EvidenceReader, "results" | "versions" | "metrics" | "power" | "sql">;
}

const Flag = z.enum(["true", "false"]).transform((text) => text === "true");
const Version = z.string().min(1).max(100);
/** `latency,cost` */
const MetricKeys = z
	.string()
	.max(2000)
	.transform((text) => [...new Set(text.split(","))])
	.pipe(z.array(MetricKey).max(50));
const Number_ = z.coerce.number();
/** A plan takes about a second of the processor, a statement more. */
const COSTLY = { rateLimit: { max: 60, timeWindow: "1 minute" } };

/** Questions about the evidence. */
export const evidenceRoutes: FastifyPluginCallbackZod<EvidenceRoutesOptions> = (app, { evidence }, done) => {
	const unknown = (key: string) =>
		apiError("UNKNOWN_EXPERIMENT", `experiments/${key}.yaml is not in the deployed commit`);

	app.get(
		"/api/v1/experiments/:key/results",
		{
			schema: {
				operationId: "getResults",
				summary: "Comparison of an experiment's variants",
				description:
					"Intervals hold when `basis` says: by default at every look. Metrics are those that the experiment names; `GET /api/v1/metrics` defines them. An earlier iteration is analysed by the design that it was begun with.",
				params: z.strictObject({ key: Name }),
				querystring: z.strictObject({
					iteration: Number_.int().min(1).max(1_000_000).optional(),
					pairwise: Flag.optional(),
				}),
				response: { 200: ExperimentResults, ...ERROR_RESPONSES },
			},
		},
		async ({ params: { key }, query }, reply) => {
			const results = await evidence.results(key, query);
			return results === undefined ? reply.code(404).send(unknown(key)) : reply.send(results);
		},
	);

	app.get(
		"/api/v1/versions/comparison",
		{
			config: COSTLY,
			schema: {
				operationId: "compareVersions",
				summary: "Two versions of a prompt as they were used, without an experiment",
				description:
					"Not randomized: differences may come from anything that differed between the calls. Intervals hold the sampling error of one look. Calls of the `days` before `until` (now) count.",
				querystring: z
					.strictObject({
						prompt: PromptName,
						from: Version,
						to: Version,
						metrics: MetricKeys.optional(),
						days: Number_.int().min(1).max(90).optional(),
						until: z.iso
							.datetime()
							.transform((text) => new Date(text))
							.optional(),
					})
					.refine(({ from, to }) => from !== to, { path: ["to"], message: "expected another version than from" }),
				response: { 200: VersionComparison, ...ERROR_RESPONSES },
			},
		},
		({ query }) => evidence.versions(query),
	);

	app.get(
		"/api/v1/metrics",
		{
			config: COSTLY,
			schema: {
				operationId: "listMetrics",
				summary: "Metrics that may be named, and how often each was observed in the experiments' prompts",
				querystring: z.strictObject({ days: Number_.int().min(1).max(90).default(14) }),
				response: { 200: MetricList, ...ERROR_RESPONSES },
			},
		},
		({ query }) => evidence.metrics(query.days),
	);

	app.get(
		"/api/v1/power",
		{
			config: COSTLY,
			schema: {
				operationId: "planExperiment",
				summary: "Units, days and power of an experiment, for each way to read its result",
				description:
					"Planned from what the calls of its prompt were on whole UTC days before today. Without `experiment` two equal arms of `metric`, of the only prompt that was called or of `prompt`.",
				querystring: z
					.strictObject({
						experiment: Name.optional(),
						prompt: PromptName.optional(),
						metric: Name.optional(),
						effect: Number_.positive().max(100).optional(),
						power: Number_.min(0.5).lt(1).optional(),
						version: z.string().max(100).optional(),
						days: Number_.int().min(1).max(90).optional(),
					})
					.refine(
						({ experiment, metric, prompt }) =>
							experiment === undefined ? metric !== undefined : prompt === undefined,
						{
							message: "expected an experiment, or a metric with or without a prompt",
						},
					),
				response: { 200: PowerPlan, ...ERROR_RESPONSES },
			},
		},
		async ({ query }, reply) => {
			const plan = await evidence.power(query);
			return plan === undefined ? reply.code(404).send(unknown(query.experiment ?? "")) : reply.send(plan);
		},
	);

	app.post(
		"/api/v1/sql",
		{
			config: COSTLY,
			schema: {
				operationId: "askSql",
				summary: "Answers one SELECT over the evidence tables",
				description:
					"Read-only, within limits of time, memory and rows; no settings, no table functions that read, no other databases. Over all environments.",
				body: SqlQuestion,
				response: { 200: SqlAnswer, ...ERROR_RESPONSES },
			},
		},
		({ body }) => evidence.sql(body),
	);
	done();
};
