export { PromptError, type PromptErrorCode, type PromptErrorDetails } from "./errors.ts";
export { type ParseOptions, parsePrompt } from "./parse-prompt.ts";
export type { Message, Prompt, Role } from "./prompt.ts";
export { promptDigest, promptVersionOfDigest } from "./prompt-digest.ts";
export { type RenderOptions, renderPrompt } from "./render-prompt.ts";
