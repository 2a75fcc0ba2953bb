import {
	ARMSPAN_ENROLLED,
	ARMSPAN_EXPERIMENT,
	ARMSPAN_FALLBACK_REASON,
	ARMSPAN_ITERATION,
	ARMSPAN_PROMPT_DIGEST,
	ARMSPAN_ROUTING_REVISION,
	ARMSPAN_SHADOW,
	ARMSPAN_UNIT_ID,
	ARMSPAN_UNIT_TYPE,
	FEATURE_FLAG_KEY,
	FEATURE_FLAG_RESULT_VARIANT,
	GEN_AI_PROMPT_NAME,
	GEN_AI_PROMPT_VERSION,
} from "@armspan/schema/semconv";
import { type Attributes, context, diag } from "@opentelemetry/api";
import { bindGenerator } from "./bind-generator.ts";
import { type CallRecord, callOf, withCall } from "./call-context.ts";

/** What spans of a routed call carry, as plain data: for a worker thread or a job queue of the same application. */
export interface CallHandle {
	readonly handleVersion: 1;
	readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

type ValueType = "string" | "number" | "boolean";

const TYPES: Readonly<Record<string, ValueType>> = {
	[GEN_AI_PROMPT_NAME]: "string",
	[GEN_AI_PROMPT_VERSION]: "string",
	[FEATURE_FLAG_KEY]: "string",
	[FEATURE_FLAG_RESULT_VARIANT]: "string",
	[ARMSPAN_EXPERIMENT]: "string",
	[ARMSPAN_ITERATION]: "number",
	[ARMSPAN_ENROLLED]: "boolean",
	[ARMSPAN_UNIT_TYPE]: "string",
	[ARMSPAN_UNIT_ID]: "string",
	[ARMSPAN_PROMPT_DIGEST]: "string",
	[ARMSPAN_ROUTING_REVISION]: "number",
	[ARMSPAN_SHADOW]: "boolean",
	[ARMSPAN_FALLBACK_REASON]: "string",
};

/** As long as the longest unit id. */
const MAXIMUM_LENGTH = 1024;

/**
 * The handle of the routed call that is under way here; call it inside `run`.
 * @returns nothing outside of a routed call
 */
export function callHandle(): CallHandle | undefined {
	try {
		const call = callOf(context.active());
		return call === undefined ? undefined : { handleVersion: 1, attributes: known(call.attributes) };
	} catch (error) {
		diag.error("[armspan] no handle of the call could be made:", String(error));
		return undefined;
	}
}

/**
 * Runs `fn` so that every span started in it carries the handle's assignment, whatever call is under way here. A handle
 * that is none changes nothing. It is not signed: take it from the application itself, never from a browser.
 * @returns exactly what `fn` returns
 * @throws exactly what `fn` throws
 */
export function withCallHandle<Result>(handle: CallHandle | undefined, fn: () => Result): Result {
	const active = contextOf(handle);
	if (active === undefined) return fn();
	const result = context.with(active, fn);
	try {
		bindGenerator(result, active);
	} catch (error) {
		diag.error("[armspan] a generator could not be bound to its call:", String(error));
	}
	return result;
}

function contextOf(handle: unknown) {
	try {
		const { handleVersion, attributes } = (handle ?? {}) as Partial<CallHandle>;
		if (handleVersion !== 1 || typeof attributes !== "object" || attributes === null) return undefined;
		const call: CallRecord = { attributes: known(attributes), spanStarted() {} };
		return withCall(context.active(), call);
	} catch (error) {
		diag.error("[armspan] the handle of a call cannot be read:", String(error));
		return undefined;
	}
}

/** Our own attributes, each of its type; nothing else gets onto spans by way of a handle. */
function known(attributes: Attributes): Record<string, string | number | boolean> {
	const taken: Record<string, string | number | boolean> = {};
	for (const [name, type] of Object.entries(TYPES)) {
		const value = attributes[name];
		if (typeof value !== type || (typeof value === "string" && value.length > MAXIMUM_LENGTH)) continue;
		taken[name] = value as string | number | boolean;
	}
	return taken;
}
