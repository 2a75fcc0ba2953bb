import { z } from "zod";
import { JsonValue, ModelParameters } from "./json-value.ts";

/**
 * Front matter of a `.prompt` file: what changes together with the text.
 * Unknown keys are refused, so that a typing error cannot silently drop a setting.
 */
export const PromptFrontMatter = z.strictObject({
	/** Model the text was written for; a variant may override it. */
	model: z.string().min(1).max(200),
	/** Model parameters, handed to the application verbatim. */
	config: ModelParameters.default({}),
	input: z
		.strictObject({
			/** Picoschema or JSON Schema of the variables. */
			schema: JsonValue.optional(),
			/** Values for variables that the caller leaves out. */
			default: z.record(z.string(), JsonValue).default({}),
		})
		.prefault({}),
	output: z.strictObject({ format: z.enum(["text", "json"]).optional(), schema: JsonValue.optional() }).optional(),
	tools: z.array(z.string().min(1)).default([]),
	metadata: z
		.strictObject({
			description: z.string().optional(),
			tags: z.array(z.string()).default([]),
			owner: z.string().optional(),
		})
		.prefault({}),
});
export type PromptFrontMatter = z.infer<typeof PromptFrontMatter>;
