import { UnitForgetting, UnitForgotten } from "@armspan/schema";
import type { Store } from "@armspan/store";
import type { FastifyPluginCallbackZod } from "fastify-type-provider-zod";
import { ERROR_RESPONSES } from "./api-error.ts";

export interface ForgetRouteOptions {
	readonly forgetUnit: Store["forgetUnit"];
}

/** A rewrite of every table that names the unit. */
const COSTLY = { rateLimit: { max: 10, timeWindow: "1 minute" } };

/** Erases a unit while the service has the evidence open. The id stands in the body, since addresses are logged. */
export const forgetRoute: FastifyPluginCallbackZod<ForgetRouteOptions> = (app, { forgetUnit }, done) => {
	app.post(
		"/api/v1/units/forget",
		{
			config: COSTLY,
			schema: {
				operationId: "forgetUnit",
				summary: "Erases a unit from the evidence, and records that it was done",
				description:
					"From landing tables and evidence of all environments; then every table is searched for what is left. Rows of other units stay. Numbers of its experiments change; decisions stay.",
				body: UnitForgetting,
				response: { 200: UnitForgotten, ...ERROR_RESPONSES },
			},
		},
		async ({ body: { unitIds, by, dryRun, everywhere }, log }) => {
			const request = { unitIds, actor: by, ...(dryRun === undefined ? {} : { dryRun }) };
			const done = await forgetUnit(everywhere === undefined ? request : { ...request, everywhere });
			if (done.id !== null) log.info({ erasure: done.id, by }, "a unit was erased");
			return { schemaVersion: 1 as const, ...done, erasedAt: done.erasedAt?.toISOString() ?? null };
		},
	);
	done();
};
