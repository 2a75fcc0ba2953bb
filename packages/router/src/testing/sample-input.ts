import { createHash } from "node:crypto";
import { Environment, Experiment } from "@armspan/schema";
import type { CompileInput, ReleasedPrompt } from "../routing-bundle.ts";

type ExperimentInput = Parameters<typeof Experiment.parse>[0] & object;

/** A released prompt whose text is its label. */
export function samplePrompt(label: string): [string, ReleasedPrompt] {
	const bytes = Buffer.from(`---\nmodel: m-small\n---\n${label}\n`);
	const digest = createHash("sha256").update(bytes).digest("hex");
	return [label, { bytes, digest, model: "m-small", config: { temperature: 0.2 } }];
}

/** An experiment on support-reply with control 1.0.0 and polite 1.1.0, changed as told. */
export function sampleExperiment(changes: ExperimentInput = {}): Experiment {
	return Experiment.parse({
		key: "polite",
		hypothesis: "Polite replies are liked better.",
		owner: "support",
		prompt: "support-reply",
		status: "running",
		variants: [
			{ key: "control", version: "1.0.0" },
			{ key: "polite", version: "1.1.0" },
		],
		primaryMetric: { metric: "feedback", minimumDetectableEffect: 0.1 },
		...changes,
	});
}

export interface SampleChanges extends Partial<Omit<CompileInput, "environment" | "experiments">> {
	readonly environment?: object;
	readonly experiments?: readonly Experiment[];
}

/** An environment with support-reply 1.0.0 and summary 2.0.0 pinned, and the sample experiment. */
export function sampleInput({
	environment = {},
	experiments = [sampleExperiment()],
	...changes
}: SampleChanges = {}): CompileInput {
	return {
		environmentName: "production",
		environment: Environment.parse({ prompts: { "support-reply": "1.0.0", summary: "2.0.0" }, ...environment }),
		experiments: experiments.map((experiment) => ({ file: `experiments/${experiment.key}.yaml`, experiment })),
		prompts: new Map(
			["support-reply@1.0.0", "support-reply@1.1.0", "summary@2.0.0", "summary@2.1.0"].map(samplePrompt),
		),
		revision: 1,
		sourceCommit: "0123456789abcdef0123456789abcdef01234567",
		...changes,
	};
}
