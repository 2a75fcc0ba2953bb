import { z } from "zod";
import { AttributeName, checkUnitAttribute, UnitType } from "./experiment.ts";
import { Name, PromptName, SemanticVersion } from "./names.ts";

const Share = z.number().min(0).max(1);

const Unit = { unit: UnitType.default("user"), unitAttribute: AttributeName.optional() };

/** A unit that is to see one arm whatever the hash says, for tests by hand. It is never enrolled, hence never analysed. */
export const Override = z.strictObject({
	/** Id of the unit, of the experiment's unit type, as the application gives it. */
	unit: z.string().min(1).max(200),
	experiment: Name,
	variant: Name,
});
export type Override = z.infer<typeof Override>;

/** `environments/<name>.yaml`: which version of each prompt is deployed. Its git log is the deployment history. */
export const Environment = z.strictObject({
	/** Prompt → released version that a unit gets when it is in no experiment. */
	prompts: z.record(PromptName, SemanticVersion),
	/** Units kept out of every experiment. */
	holdout: z
		.strictObject({ key: Name, share: Share, ...Unit })
		.superRefine(checkUnitAttribute)
		.optional(),
	/** Experiments that must not overlap, each with its share of the layer's units; what is left over is free. */
	layers: z
		.record(Name, z.strictObject({ ...Unit, slots: z.record(Name, Share) }).superRefine(checkUnitAttribute))
		.default({}),
	overrides: z.array(Override).max(1000).default([]),
});
export type Environment = z.infer<typeof Environment>;
