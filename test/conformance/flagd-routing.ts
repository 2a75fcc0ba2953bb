import { createHash } from "node:crypto";
import { compileBundle, type RoutingBundle } from "@armspan/router";
import { Environment, Experiment } from "@armspan/schema";

type ExperimentInput = Parameters<typeof Experiment.parse>[0] & object;

/** Conditions of the experiments `audience-<name>`, one for each operator and type. */
export const AUDIENCES = {
	texts: { in: ["CH", "DE", "Zürich 😀", ""] },
	numbers: { in: [0, 1, 2.5, -3] },
	true: { in: [true] },
	false: { in: [false] },
	"not-texts": { notIn: ["CH", "DE"] },
	"starts-with": { startsWith: "C" },
	"ends-with": { endsWith: "H" },
	"at-least": { atLeast: 1 },
	below: { below: 2 },
	version: { version: ">=1.2.0 <2.0.0" },
	prerelease: { version: ">1.2.0-rc.1" },
} as const;

const [CONTROL, TREATMENT] = ["1.0.0", "1.1.0"];

function experiment(key: string, changes: ExperimentInput = {}): Experiment {
	return Experiment.parse({
		key,
		hypothesis: "The treatment is better.",
		owner: "conformance",
		prompt: key,
		status: "running",
		variants: [
			{ key: "control", version: CONTROL },
			{ key: "treatment", version: TREATMENT },
		],
		primaryMetric: { metric: "feedback", minimumDetectableEffect: 0.1 },
		...changes,
	});
}

const three = [
	{ key: "control", version: CONTROL, weight: 7 },
	{ key: "treatment", version: TREATMENT, weight: 2 },
	{ key: "large", version: TREATMENT, weight: 1, model: "m-large" },
];

const ofUsers = [
	// Two experiments on one prompt, and a third on another, share a layer; a holdout lies over all of them.
	experiment("polite", { prompt: "reply", layer: "chat", variants: three, allocation: { enrolled: 0.7 } }),
	experiment("brief", {
		prompt: "reply",
		layer: "chat",
		iteration: 12,
		audience: [
			{ attribute: "country", in: ["CH", "DE"] },
			{ attribute: "paying", in: [true] },
		],
	}),
	experiment("summary", { layer: "chat" }),
	experiment("open", { audience: [{ attribute: "country", notIn: ["FR"] }] }),
	experiment("tiny", { allocation: { enrolled: 0.0007 } }),
	experiment("least", { allocation: { enrolled: 0.00001 } }),
	experiment("nobody", { allocation: { enrolled: 0 } }),
	experiment("shadowed", { allocation: { type: "shadow", enrolled: 0.25 } }),
	experiment("halted", { iteration: 3 }),
	...Object.entries(AUDIENCES).map(([name, condition]) =>
		experiment(`audience-${name}`, { audience: [{ attribute: "a", ...condition } as never] }),
	),
];

/** A holdout of users cannot lie over these. */
const ofOtherUnits = [
	experiment("by-session", { unit: "session", allocation: { enrolled: 0.333 } }),
	experiment("by-request", { unit: "request", variants: three }),
	experiment("by-account", { unit: "attribute", unitAttribute: "accountId", allocation: { enrolled: 0.5 } }),
];

/** Units that are given one arm by name. */
export const OVERRIDES = [
	{ unit: "tester@example.com", experiment: "polite", variant: "large" },
	{ unit: "tëster", experiment: "nobody", variant: "treatment" },
	{ unit: "user-00000004", experiment: "brief", variant: "control" },
];

/** Holdout, layer, overrides, gates, shadow, halt, audiences. */
export function bundleOfUsers(): RoutingBundle {
	return compile(ofUsers, {
		holdout: { key: "2026q4", share: 0.05 },
		layers: { chat: { slots: { polite: 0.4, brief: 0.3, summary: 0.2 } } },
		overrides: OVERRIDES,
	});
}

/** Sessions, requests, and an attribute of the call. */
export function bundleOfOtherUnits(): RoutingBundle {
	return compile(ofOtherUnits, {});
}

function compile(experiments: readonly Experiment[], environment: object): RoutingBundle {
	const bytes = Buffer.from("---\nmodel: m-small\n---\nHello.\n");
	const digest = createHash("sha256").update(bytes).digest("hex");
	const released = { bytes, digest, model: "m-small", config: {} };
	const names = [...new Set([...experiments.map(({ prompt }) => prompt), "plain"])];
	return compileBundle({
		environmentName: "conformance",
		environment: Environment.parse({
			prompts: Object.fromEntries(names.map((name) => [name, CONTROL])),
			...environment,
		}),
		experiments: experiments.map((one) => ({ file: `experiments/${one.key}.yaml`, experiment: one })),
		prompts: new Map(
			names.flatMap((name) => [CONTROL, TREATMENT].map((version) => [`${name}@${version}`, released] as const)),
		),
		revision: 1,
		sourceCommit: "0123456789abcdef0123456789abcdef01234567",
		halted: new Set(["halted#3"]),
	});
}
