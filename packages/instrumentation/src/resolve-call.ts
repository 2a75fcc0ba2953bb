import { randomUUID } from "node:crypto";
import { type Message, renderPrompt } from "@armspan/prompt";
import type { Assignment, Units } from "@armspan/router";
import type { ModelParameters, UnitType } from "@armspan/schema";
import type { Attributes } from "@opentelemetry/api";
import { unroutedAttributes } from "./call-attributes.ts";
import { InstrumentationError } from "./instrumentation-error.ts";
import type { LoadedBundle } from "./loaded-bundle.ts";
import type { PromptCall, PromptFallback } from "./prompt-call.ts";
import { segmentAttributes } from "./segment-attributes.ts";
import type { ShadowAssignment } from "./shadow-assignment.ts";
import { readUnitId } from "./unit-id.ts";

/** Value of `armspan.fallback.reason`. */
export type FallbackReason =
	| "render-failed"
	| "prompt-unreadable"
	| "bundle-stale"
	| "bundled-default"
	| "no-bundle"
	| "prompt-unknown"
	| "prompt-name-invalid"
	| "internal-error";

/** What a call gets, before anything is recorded of it. */
export interface ResolvedCall {
	readonly messages: Message[];
	readonly model: string;
	readonly config: ModelParameters;
	/** Absent when the call could not be routed. */
	readonly assignment: Assignment | undefined;
	/** The bundle that made the assignment. */
	readonly bundle: LoadedBundle | undefined;
	/** Attributes of the assignment, without the unit id. */
	readonly attributes: Readonly<Attributes>;
	/** Segments of the unit, for its exposure. */
	readonly segments: Readonly<Attributes>;
	/** Id of the unit that was hashed, as given. */
	readonly rawUnitId: string | undefined;
	readonly fallbackReason: FallbackReason | undefined;
	/** What kept the messages from coming out of the registry; also set when the caller's fallback stepped in. */
	readonly failure: InstrumentationError | undefined;
	/** Why the assigned version was not delivered, when another one was. */
	readonly undelivered?: InstrumentationError | undefined;
}

const MAX_PROMPT_NAME_LENGTH = 200;

/** Routes and renders. Does no I/O, and throws nothing that comes from the bundle or from the call's values. */
export function resolveCall(
	bundle: LoadedBundle | undefined,
	bundleReason: FallbackReason | undefined,
	promptName: unknown,
	call: PromptCall,
): ResolvedCall {
	if (typeof promptName !== "string" || promptName === "" || promptName.length > MAX_PROMPT_NAME_LENGTH) {
		return unrouted(undefined, call, "prompt-name-invalid", "prompt name: expected a string of 1 to 200 characters");
	}
	if (bundle === undefined) {
		const message = `prompt "${promptName}": no routing bundle; set ARMSPAN_ROUTING to the folder that holds routing.json, or ARMSPAN_ROUTING_URL`;
		return unrouted(promptName, call, "no-bundle", message);
	}
	const unitType = bundle.unitTypeOf(promptName);
	const units = readUnits(call, unitType);
	const assignment = assign(bundle, promptName, units, call);
	if (assignment === undefined) {
		const message = `prompt "${promptName}" is not in routing revision ${bundle.revision}; pin it in the environment file`;
		return unrouted(promptName, call, "prompt-unknown", message);
	}
	const attributes = bundle.attributesOf(assignment);
	const rawUnitId = readUnitId(unitId(bundle, promptName, units, call));
	// Read now: the application may change its object before the call runs.
	const segments = segmentAttributes(bundle.segmentsOf(assignment), call.attributes);

	const rendered = render(bundle, assignment, call.variables);
	if (!(rendered instanceof InstrumentationError)) {
		// Written out: every call passes here, and spreads cost more than routing does.
		return {
			messages: rendered,
			model: assignment.model,
			config: copyParameters(assignment.parameters),
			assignment,
			bundle,
			attributes,
			segments,
			rawUnitId,
			fallbackReason: bundleReason,
			failure: undefined,
		};
	}
	const common = { assignment, bundle, attributes, segments, rawUnitId };
	const fallbackReason = rendered.code === "PROMPT_UNREADABLE" ? "prompt-unreadable" : "render-failed";
	// Intention to treat: the unit keeps its arm, the call gets the version everybody else gets.
	const standard = bundle.table.assign(promptName, {}, {});
	if (standard !== undefined && standard.digest !== assignment.digest) {
		const again = render(bundle, standard, call.variables);
		if (!(again instanceof InstrumentationError)) {
			return { ...common, ...delivered(standard, again), fallbackReason, failure: undefined, undelivered: rendered };
		}
	}
	return { ...common, ...callerFallback(call.fallback), fallbackReason, failure: rendered };
}

/**
 * What runs in the shadow of a call: the shadow variant, rendered with the same variables. There is no fallback: a
 * shadow that sends something else shows nothing.
 */
export function resolveShadow(
	live: ResolvedCall,
	{ assignment, attributes }: ShadowAssignment,
	variables: PromptCall["variables"],
): ResolvedCall {
	const { bundle, rawUnitId } = live;
	// What is the matter with the bundle holds for the shadow; what is the matter with the live prompt does not.
	const ofBundle = live.failure === undefined && live.undelivered === undefined;
	const fallbackReason = ofBundle ? live.fallbackReason : undefined;
	const common = { assignment, bundle, attributes, segments: {}, rawUnitId, fallbackReason };
	const rendered =
		bundle === undefined
			? new InstrumentationError("NO_BUNDLE", `prompt "${assignment.promptName}": no routing bundle`)
			: render(bundle, assignment, variables);
	if (rendered instanceof InstrumentationError) return { ...common, ...callerFallback(undefined), failure: rendered };
	return { ...common, ...delivered(assignment, rendered), failure: undefined };
}

const CODES = {
	"prompt-name-invalid": "PROMPT_NAME_INVALID",
	"no-bundle": "NO_BUNDLE",
	"prompt-unknown": "PROMPT_UNKNOWN",
} as const;

/** A call that nothing can be said about: the caller's fallback, unenrolled. */
export function unrouted(
	promptName: string | undefined,
	call: PromptCall,
	reason: "prompt-name-invalid" | "no-bundle" | "prompt-unknown",
	message: string,
): ResolvedCall {
	return {
		...callerFallback(call.fallback),
		assignment: undefined,
		bundle: undefined,
		attributes: unroutedAttributes(promptName),
		segments: {},
		rawUnitId: undefined,
		fallbackReason: reason,
		failure: new InstrumentationError(CODES[reason], message),
	};
}

function assign(bundle: LoadedBundle, promptName: string, units: Units, call: PromptCall): Assignment | undefined {
	const { attributes } = call;
	try {
		return bundle.table.assign(
			promptName,
			units,
			typeof attributes === "object" && attributes !== null ? attributes : {},
		);
	} catch {
		// Attributes that cannot even be read: the default, which asks for none.
		return bundle.table.assign(promptName, {}, {});
	}
}

function unitId(bundle: LoadedBundle, promptName: string, units: Units, call: PromptCall): string | undefined {
	try {
		return bundle.table.unitId(promptName, units, call.attributes ?? {});
	} catch {
		// Attributes that cannot even be read name no unit.
		return undefined;
	}
}

function readUnits(call: PromptCall, unitType: UnitType | undefined): Units {
	const request = readUnitId(call.request);
	return {
		user: readUnitId(call.user),
		session: readUnitId(call.session),
		request: request ?? (unitType === "request" ? randomUUID() : undefined),
	};
}

function render(
	bundle: LoadedBundle,
	assignment: Assignment,
	variables: PromptCall["variables"],
): Message[] | InstrumentationError {
	const prompt = bundle.prompts.get(assignment.digest);
	const named = () => `prompt "${assignment.promptName}" ${assignment.version}`;
	if (prompt === undefined || prompt instanceof Error) {
		const why = prompt === undefined ? "its file is not in the bundle" : prompt.message;
		return new InstrumentationError("PROMPT_UNREADABLE", `${named()}: ${why}`, { cause: prompt });
	}
	try {
		const { messages } = renderPrompt(prompt, variables ?? {});
		if (messages.length > 0) return messages;
		return new InstrumentationError("RENDER_FAILED", `${named()}: every message is blank`);
	} catch (error) {
		const why = error instanceof Error ? error.message : String(error);
		return new InstrumentationError("RENDER_FAILED", `${named()}: ${why}`, { cause: error });
	}
}

function delivered(assignment: Assignment, messages: Message[]): Pick<ResolvedCall, "messages" | "model" | "config"> {
	return { messages, model: assignment.model, config: copyParameters(assignment.parameters) };
}

function callerFallback(fallback: PromptFallback | undefined): Pick<ResolvedCall, "messages" | "model" | "config"> {
	if (typeof fallback !== "object" || fallback === null || !Array.isArray(fallback.messages)) {
		return { messages: [], model: "", config: {} };
	}
	return {
		messages: [...fallback.messages],
		model: typeof fallback.model === "string" ? fallback.model : "",
		// Not cloned: it may hold what cannot be, such as functions of tools.
		config: { ...fallback.config },
	};
}

/** The application may change what it gets without changing the next call's. */
function copyParameters(parameters: ModelParameters): ModelParameters {
	for (const key in parameters) {
		if (typeof parameters[key] === "object") return structuredClone(parameters);
	}
	return { ...parameters };
}
