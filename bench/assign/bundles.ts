import { createHash } from "node:crypto";
import { compileBundle, type ReleasedPrompt, type RoutingBundle } from "@armspan/router";
import { Environment, Experiment } from "@armspan/schema";

type ExperimentInput = Parameters<typeof Experiment.parse>[0] & object;

const VERSIONS = ["1.0.0", "1.1.0"] as const;

function released(label: string): ReleasedPrompt {
	const bytes = Buffer.from(
		`---\nmodel: m-small\ninput:\n  schema:\n    question: string\n---\n{{role "system"}}\nYou are ${label}.\n{{role "user"}}\n{{question}}\n`,
	);
	const digest = createHash("sha256").update(bytes).digest("hex");
	return { bytes, digest, model: "m-small", config: { temperature: 0.2, max_tokens: 500 } };
}

function experiment(key: string, changes: ExperimentInput): Experiment {
	return Experiment.parse({
		key,
		hypothesis: "The treatment is better.",
		owner: "bench",
		prompt: key,
		status: "running",
		variants: VERSIONS.map((version, index) => ({ key: index === 0 ? "control" : "treatment", version })),
		primaryMetric: { metric: "feedback", minimumDetectableEffect: 0.1 },
		...changes,
	});
}

interface BundleChanges {
	readonly environment?: object;
	readonly revision?: number;
}

function compile(experiments: readonly Experiment[], { environment = {}, revision = 1 }: BundleChanges): RoutingBundle {
	const names = experiments.map(({ prompt }) => prompt);
	return compileBundle({
		environmentName: "bench",
		environment: Environment.parse({
			prompts: Object.fromEntries(names.map((name) => [name, VERSIONS[0]])),
			...environment,
		}),
		experiments: experiments.map((one) => ({ file: `experiments/${one.key}.yaml`, experiment: one })),
		prompts: new Map(
			names.flatMap((name) =>
				VERSIONS.map((version): [string, ReleasedPrompt] => {
					const label = `${name}@${version}`;
					return [label, released(label)];
				}),
			),
		),
		revision,
		sourceCommit: "0123456789abcdef0123456789abcdef01234567",
	});
}

/** Prompt that all bundles have. */
export const PROMPT = "prompt-0";

/** Each prompt has an experiment of two equal arms; the gate is open, or as wide as told. */
export function twoArms(flags = 1, enrolled = 1, revision = 1): RoutingBundle {
	const experiments = Array.from({ length: flags }, (_, index) =>
		experiment(`prompt-${index}`, { allocation: { enrolled } }),
	);
	return compile(experiments, { revision });
}

/** Gate and four arms. */
export function fourArms(): RoutingBundle {
	const variants = ["control", "a", "b", "c"].map((key) => ({ key, version: key === "control" ? "1.0.0" : "1.1.0" }));
	return compile([experiment(PROMPT, { allocation: { enrolled: 0.4 }, variants })], {});
}

/** Overrides, holdout, layer, an audience of two conditions, gate, arms. */
export function everything(): RoutingBundle {
	const audience = [
		{ attribute: "country", in: ["CH", "DE"] },
		{ attribute: "age", atLeast: 18 },
	];
	const environment = {
		holdout: { key: "q4", share: 0.05 },
		layers: { chat: { slots: { [PROMPT]: 0.9 } } },
		overrides: [{ unit: "tester@example.com", experiment: PROMPT, variant: "treatment" }],
	};
	const changes = { layer: "chat", audience, allocation: { enrolled: 0.95 } };
	return compile([experiment(PROMPT, changes)], { environment });
}
