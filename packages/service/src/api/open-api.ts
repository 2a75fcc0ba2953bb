import {
	Decision,
	ExperimentResults,
	JsonValue,
	MetricDefinition,
	MetricList,
	MetricResult,
	PowerPlan,
	SeenUnits,
	SqlAnswer,
	SqlQuestion,
	Verdict,
	VersionComparison,
} from "@armspan/schema";
import type { FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from "fastify-type-provider-zod";
import { z } from "zod";
import { ApiError } from "./api-error.ts";

const COMPONENTS = {
	ApiError,
	Decision,
	ExperimentResults,
	/** Recursive: without a name it would refer to nowhere. */
	JsonValue,
	MetricDefinition,
	MetricList,
	MetricResult,
	PowerPlan,
	SeenUnits,
	SqlAnswer,
	SqlQuestion,
	Verdict,
	VersionComparison,
};

/** Names under which the schemas stand in `components` and are referred to. */
const registry = z.registry<{ id?: string }>();
for (const [id, schema] of Object.entries(COMPONENTS)) registry.add(schema, { id });

/** How `GET /api/v1/openapi.json` is made of the routes' schemas. */
export function openApi(version: string): FastifyDynamicSwaggerOptions {
	return {
		openapi: {
			openapi: "3.1.0",
			info: {
				title: "Armspan",
				version,
				description: "Evidence, comparisons and decisions of experiments on prompts. Read-only.",
				license: { name: "Apache-2.0", identifier: "Apache-2.0" },
			},
			servers: [{ url: "/", description: "the service that answers this document" }],
			components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
			// Without a configured token, requests of this machine need none.
			security: [{ token: [] }, {}],
		},
		transform: createJsonSchemaTransform({ schemaRegistry: registry }),
		transformObject: createJsonSchemaTransformObject({ schemaRegistry: registry }),
	};
}
