import { FlagdCore } from "@openfeature/flagd-core";
import { PROMPT } from "../bundles.ts";
import type { Engine } from "../engine.ts";

/** @param definition JSON of flags, one of them named as the prompt */
export function flagdCore(name: string, definition: string): Engine {
	const core = new FlagdCore();
	core.setConfigurations(definition);
	const fallback = {};
	return {
		name,
		context: (targetingKey) => ({ targetingKey }),
		run(contexts) {
			let treatments = 0;
			for (let index = 0; index < contexts.length; index++) {
				const { variant } = core.resolveObjectEvaluation(PROMPT, fallback, contexts[index] as { targetingKey: string });
				if (variant === "treatment" || variant === `${PROMPT}.treatment`) treatments++;
			}
			return treatments;
		},
	};
}

const seed = { cat: ["salt:", { var: "targetingKey" }] };

/** The least that flagd takes for two arms: no gate, no guard, no branch for calls without a unit. */
export const LEAST_DEFINITION = JSON.stringify({
	flags: {
		[PROMPT]: {
			state: "ENABLED",
			defaultVariant: "control",
			variants: { control: { version: "1.0.0" }, treatment: { version: "1.1.0" } },
			targeting: { fractional: [seed, ["control", 1], ["treatment", 1]] },
		},
	},
});
