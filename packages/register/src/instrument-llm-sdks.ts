import { diag } from "@opentelemetry/api";
import { currentDiagnosis } from "./diagnosis.ts";
import { hookSdks } from "./sdk-hook.ts";

const DONE = Symbol.for("armspan.register.hooked");

/**
 * Makes spans for every copy of `openai`, `@anthropic-ai/sdk` and `@google/genai` that is loaded from now on, and for
 * CommonJS copies loaded before: call it in a module that `--import` loads, or that is imported first. Once in a process,
 * whoever calls it; `@armspan/register` does it by itself. Never throws; needs Node 22.15.
 */
export function instrumentLlmSdks(): void {
	const globals = globalThis as { [DONE]?: true };
	if (globals[DONE] === true) return;
	globals[DONE] = true;
	try {
		hookSdks(currentDiagnosis()?.instrumented);
	} catch (error) {
		diag.error("[armspan] LLM SDKs could not be instrumented:", String(error));
	}
}
