import {
	ARMSPAN_ENROLLED,
	ARMSPAN_PROMPT_DIGEST,
	GEN_AI_PROMPT_NAME,
	GEN_AI_PROMPT_VERSION,
} from "@armspan/schema/semconv";
import type { Attributes, Context } from "@opentelemetry/api";
import { callOf, withCall } from "./call-context.ts";
import type { PromptIdentity } from "./code-prompt-memory.ts";

/** What spans of a recognised prompt say. Nothing was routed: no experiment, no unit, no flag. */
export function codePromptAttributes({ name, version, digest }: PromptIdentity): Attributes {
	return {
		[GEN_AI_PROMPT_NAME]: name,
		[GEN_AI_PROMPT_VERSION]: version,
		[ARMSPAN_PROMPT_DIGEST]: digest,
		[ARMSPAN_ENROLLED]: false,
	};
}

/** A context in which every span that is started carries the prompt. */
export function withCodePrompt(parent: Context, identity: PromptIdentity): Context {
	return withCall(parent, { attributes: codePromptAttributes(identity), spanStarted() {} });
}

/** Whether a call is under way here whose prompt is known: routed, or recognised before. It is never overridden. */
export function hasKnownPrompt(context: Context): boolean {
	return callOf(context) !== undefined;
}
