import { z } from "zod";
import { UnitType } from "./experiment.ts";
import { Name, PromptName, SemanticVersion } from "./names.ts";

const Share = z.number().min(0).max(1);

/** `environments/<name>.yaml`: which version of each prompt is deployed. Its git log is the deployment history. */
export const Environment = z.strictObject({
	/** Prompt → released version that a unit gets when it is in no experiment. */
	prompts: z.record(PromptName, SemanticVersion),
	/** Units kept out of every experiment. */
	holdout: z.strictObject({ key: Name, share: Share, unit: UnitType.default("user") }).optional(),
	/** Experiments that must not overlap, each with its share of the layer's units; what is left over is free. */
	layers: z.record(Name, z.strictObject({ unit: UnitType.default("user"), slots: z.record(Name, Share) })).default({}),
});
export type Environment = z.infer<typeof Environment>;
