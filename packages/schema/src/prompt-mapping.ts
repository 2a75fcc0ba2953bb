import { z } from "zod";
import { PromptDigest, PromptName, PromptVersion } from "./names.ts";

const MAX_TEMPLATE_CHARACTERS = 65_536;

const text = z.string().max(MAX_TEMPLATE_CHARACTERS, `expected at most ${MAX_TEMPLATE_CHARACTERS} characters`);

/** How a request made by unchanged code is recognised: exactly one of template, static parts and fingerprint. */
const PromptMatch = z
	.strictObject({
		/** The text with `{{name}}` where a variable stands. */
		template: text.optional(),
		/** What stands before, between and after the variables; `""` where a variable begins or ends the text. */
		staticParts: z.array(text).min(1).max(200).optional(),
		/** sha256 of the static parts joined with U+0000; of a text without variables, sha256 of the text. */
		fingerprint: PromptDigest.optional(),
		/** Messages that are looked at; `system` includes `developer` and instructions. */
		role: z.enum(["system", "user", "any"]).default("any"),
		/** Only requests for this model. */
		model: z.string().min(1).max(200).optional(),
	})
	.refine(
		({ template, staticParts, fingerprint }) =>
			[template, staticParts, fingerprint].filter((way) => way !== undefined).length === 1,
		"expected exactly one of template, staticParts and fingerprint",
	);

const MappedPrompt = z.strictObject({
	prompt: PromptName,
	/** What stands in `gen_ai.prompt.version`; without it, the digest of the static parts. */
	version: PromptVersion.optional(),
	match: PromptMatch,
});
export type MappedPrompt = z.infer<typeof MappedPrompt>;

/** The mapping file: which prompts an application has in its code. */
export const PromptMapping = z.strictObject({
	prompts: z.array(MappedPrompt).max(1000, "expected at most 1000 prompts"),
});
export type PromptMapping = z.infer<typeof PromptMapping>;
