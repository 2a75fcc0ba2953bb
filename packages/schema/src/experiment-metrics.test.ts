import { expect, test } from "vitest";
import { Experiment } from "./experiment.ts";

const metric = { key: "mine", source: "calls", kind: "mean", value: "cost", direction: "decrease" };
const guardrail = { metric: "latency", nonInferiorityMargin: 0.1 };
const faults = (changes: Record<string, unknown>) =>
	Experiment.safeParse({
		...{ key: "tone", hypothesis: "h", owner: "team", prompt: "reply", status: "draft" },
		variants: [
			{ key: "control", version: "1.0.0" },
			{ key: "friendly", version: "2.0.0" },
		],
		primaryMetric: { metric: "feedback", minimumDetectableEffect: 0.1 },
		...changes,
	}).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];

test.each([
	[{}, []],
	[{ metrics: [metric], secondaryMetrics: ["mine"], guardrails: [guardrail], maturationHours: 0.5 }, []],
	[{ metrics: [{ ...metric, key: "latency" }] }, ['metrics.0.key: "latency" is built in; choose another key']],
	[{ metrics: [metric, metric] }, ['metrics.1.key: duplicate metric "mine"']],
	[{ guardrails: [guardrail, guardrail] }, ['guardrails.1.metric: duplicate guardrail "latency"']],
	[{ segments: ["plan", "country"], unit: "attribute", unitAttribute: "account" }, []],
	[{ segments: ["plan", "plan"] }, ['segments.1: duplicate segment "plan"']],
	[
		{ segments: ["account"], unit: "attribute", unitAttribute: "account" },
		[expect.stringMatching(/^segments.0: "account" is the unit itself/)],
	],
	[{ segments: ["my plan"] }, [expect.stringMatching(/^segments.0: expected letters/)]],
	[{ segments: ["a", "b", "c", "d", "e", "f"] }, [expect.stringMatching(/^segments: /)]],
	[{ maturationHours: 0 }, [expect.stringMatching(/^maturationHours: /)]],
	[{ inference: "peeking" }, [expect.stringMatching(/^inference: /)]],
	[{ plannedLooks: 1 }, [expect.stringMatching(/^plannedLooks: /)]],
])("%j is told %j", (changes, expected) => {
	expect(faults(changes)).toEqual(expected);
});
