import type { Message } from "@armspan/prompt";
import type { ModelParameters } from "@armspan/schema";

/** Sent when no version of the prompt can be rendered. */
export interface PromptFallback {
	readonly messages: readonly Message[];
	readonly model: string;
	readonly config?: ModelParameters | undefined;
}

/** One call of a prompt: whom it is for and what goes into it. */
export interface PromptCall {
	/** Ids of the randomization units; the prompt's experiment names the one it hashes. Stable, not an e-mail address. */
	readonly user?: string | undefined;
	readonly session?: string | undefined;
	/** Made up at random when the experiment's unit is the request and none is given. */
	readonly request?: string | undefined;
	/** What audiences may ask for. */
	readonly attributes?: Readonly<Record<string, string | number | boolean>> | undefined;
	/** Values of the prompt's variables. */
	readonly variables?: Readonly<Record<string, unknown>> | undefined;
	readonly fallback?: PromptFallback | undefined;
}
