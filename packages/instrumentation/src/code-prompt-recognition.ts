/** What `@armspan/register` needs to recognise prompts in code at the clients that it patches. */
export { codePromptAttributes, hasKnownPrompt, withCodePrompt } from "./code-prompt-call.ts";
export {
	canonicalParts,
	canonicalText,
	digestVersion,
	promptFingerprint,
	textDigest,
} from "./code-prompt-fingerprint.ts";
export { codePrompts, MAX_TEXT_CHARACTERS, type PromptIdentity, recognitionCounters } from "./code-prompt-memory.ts";
export { noticeUnsampled } from "./unsampled-span.ts";
