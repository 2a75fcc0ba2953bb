import { guardrailDecision, startDecision } from "@armspan/analysis";
import { Experiment } from "@armspan/schema";
import {
	decodeLogs,
	decodeTraces,
	type Snapshot,
	type SnapshotArm,
	type Store,
	storeOfEnvironment,
} from "@armspan/store";
import { ComparisonLooks, type ComparisonLooksOptions } from "../../packages/service/src/snapshots/comparison-looks.ts";
import { loadEvidence } from "../../packages/service/src/test-support/loaded-evidence.ts";

const MINUTE_MS = 60_000;
const silent = { error() {}, warn() {}, info() {}, debug() {} } as unknown as ComparisonLooksOptions["logger"];

export const experimentOf = (changes: Record<string, unknown> = {}): Experiment =>
	Experiment.parse({
		...{ key: "support-tone", hypothesis: "friendlier is better", owner: "team", prompt: "support-reply" },
		status: "running",
		variants: [
			{ key: "control", version: "1.0.0" },
			{ key: "friendly", version: "2.0.0" },
		],
		primaryMetric: { metric: "feedback", minimumDetectableEffect: 0.05 },
		secondaryMetrics: ["cost"],
		guardrails: [
			{ metric: "error-rate", nonInferiorityMargin: 0.5 },
			{ metric: "latency", nonInferiorityMargin: 0.1, onBreach: "notify" },
		],
		...changes,
	});

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * MINUTE_MS);

export function armOf(changes: Partial<SnapshotArm>): SnapshotArm {
	return {
		...{ metric: "latency", variant: "friendly", arm: "treatment", promptVersion: "2.0.0", weight: 1 },
		...{ armUnits: 200, armCalls: 800, undeliveredCalls: 0, quarantinedCalls: 0, armVerdict: "keep-running" },
		...{ role: "primary", direction: "decrease", metricUnit: "ms", units: 199, observations: 790 },
		...{ estimate: 812, standardError: 3, against: "control", effect: 9, effectLower: -8, effectUpper: 10 },
		...{ relativeEffect: 0.1, relativeLower: null, relativeUpper: null, notEstimable: "", level: 0.95 },
		...{ basis: "always-valid", pValue: 0.5, conclusion: "undecided", guardrailStatus: "passing" },
		...{ guardrailOnBreach: "halt", guardrailMargin: 0.1, guardrailLogEValue: 0, guardrailLogThreshold: 4 },
		...{ nonInferiorityPValue: 0.01, ...changes },
	};
}

/** A look of a minute ago at an experiment with which nothing is wrong. */
export const look = (experiment: string, changes: Partial<Snapshot> = {}): Snapshot => ({
	...{ experiment, iteration: 1, environment: "production", lookAt: minutesAgo(1), kind: "look", keep: "ever" },
	...{
		computedAt: minutesAgo(1),
		prompt: "reply",
		status: "running",
		verdict: "keep-running",
		inference: "always-valid",
	},
	...{ excludedUnits: 2, immatureUnits: 0, sampleRatioPValue: 0.5, sampleRatioMismatch: false },
	...{ newestCallAt: minutesAgo(2), codeVersion: "0.1.0" },
	arms: [
		armOf({ variant: "control", arm: "control", armVerdict: "", guardrailStatus: "" }),
		armOf({}),
		armOf({ metric: "cost", guardrailStatus: "inconclusive" }),
	],
	...changes,
});

/** A breach as the watch would have recorded it. */
export function haltDecision(experiment: Experiment, decidedAt: Date) {
	const inputs = { origin: decidedAt.toISOString(), checkedAt: decidedAt.toISOString(), windowSeconds: 60 };
	const evidence = { start: 1, breached: true, logEValue: 9, logThreshold: 4 };
	const check = { guardrail: experiment.guardrails[0], variant: "friendly", ...evidence };
	return guardrailDecision(
		{ ...check, violations: { treatment: 50, control: 2 }, inputs } as unknown as Parameters<
			typeof guardrailDecision
		>[0],
		{ experiment, experimentDigest: "sha256:0", codeVersion: "0.1.0", lastRevision: 1 },
	);
}

export interface RecentCall {
	readonly number: number;
	readonly at: Date;
	readonly attributes?: Readonly<Record<string, string>>;
}

/** Calls outside of experiments, in environment production. */
export async function loadCalls(store: Store, calls: readonly RecentCall[], service = "bot"): Promise<void> {
	const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
	const spans = calls.map(({ number, at, attributes = {} }) => ({
		traceId: (number + 1_000_000).toString(16).padStart(32, "0"),
		spanId: (number + 1_000_000).toString(16).padStart(16, "0"),
		name: "chat gpt-4.1-mini",
		startTimeUnixNano: `${at.getTime()}000000`,
		endTimeUnixNano: `${at.getTime() + 400}000000`,
		attributes: Object.entries({
			"gen_ai.operation.name": "chat",
			"gen_ai.request.model": "gpt-4.1-mini",
			"gen_ai.prompt.name": "support-reply",
			"gen_ai.prompt.version": "1.0.0",
			"gen_ai.usage.input_tokens": "200",
			"gen_ai.usage.output_tokens": "50",
			"gen_ai.usage.cost": "0.0003",
			"armspan.enrolled": "false",
			"armspan.unit.id": `recent-${number}`,
			"armspan.routing.revision": "1",
			...attributes,
		}).map(([key, value]) => text(key, value)),
	}));
	const resource = { attributes: [text("service.name", service), text("deployment.environment.name", "production")] };
	const body = Buffer.from(JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }));
	await store.insertTraces(decodeTraces(body, "application/json").rows);
}

/**
 * Five days of an experiment, a deployment and its way back in the last hours, a guardrail that halted another
 * experiment, and looks at both as the service takes them.
 */
export async function loadStore(store: Store, now: Date): Promise<void> {
	await loadEvidence(store, now);
	const ago = (minutes: number) => new Date(now.getTime() - minutes * MINUTE_MS);
	await loadCalls(store, [
		...Array.from({ length: 180 }, (_, minute) => ({
			...{ number: minute, at: ago(180 - minute) },
			attributes:
				minute < 60
					? {}
					: minute < 120
						? { "gen_ai.prompt.version": "1.1.0", "armspan.routing.revision": "2" }
						: { "gen_ai.prompt.version": "1.0.0", "armspan.routing.revision": "3" },
		})),
		{ number: 1000, at: ago(5), attributes: { "gen_ai.usage.input_tokens": "NaN" } },
		{ number: 1001, at: ago(5), attributes: { "armspan.fallback.reason": "render-failed" } },
		{ number: 1002, at: ago(5), attributes: { "gen_ai.prompt.name": "x' OR 1 = 1 --" } },
		{ number: 1003, at: ago(5), attributes: { "gen_ai.prompt.name": "" } },
		{
			number: 1004,
			at: ago(5),
			attributes: { "armspan.shadow": "true", "armspan.experiment": "support-tone", "armspan.iteration": "1" },
		},
	]);
	const score = (number: number) => ({
		timeUnixNano: `${ago(10 + number).getTime()}000000`,
		eventName: "gen_ai.evaluation.result",
		attributes: [
			...Object.entries({
				"gen_ai.prompt.name": "support-reply",
				"gen_ai.prompt.version": "1.0.0",
				"gen_ai.evaluation.name": "helpfulness",
				"armspan.evaluation.kind": "score",
				"armspan.event.id": `recent-score-${number}`,
			}).map(([key, stringValue]) => ({ key, value: { stringValue } })),
			{ key: "gen_ai.evaluation.score.value", value: { doubleValue: 0.5 } },
		],
	});
	const logs = { resourceLogs: [{ scopeLogs: [{ logRecords: Array.from({ length: 20 }, (_, n) => score(n)) }] }] };
	await store.insertLogs(decodeLogs(Buffer.from(JSON.stringify(logs)), "application/json").rows);

	const production = storeOfEnvironment(store, "production");
	const context = { experimentDigest: "sha256:0", codeVersion: "0.1.0", lastRevision: 1 };
	const running = experimentOf();
	const halted = experimentOf({ key: "support-length" });
	for (const experiment of [running, halted]) {
		await production.appendDecision(startDecision({ experiment, ...context }, ago(170)));
	}
	const looks = new ComparisonLooks({
		...{ store: production, environment: "production", codeVersion: "0.1.0", logger: silent, elapsedMs: () => 0 },
		experiments: () => [running, halted],
	});
	for (const minutes of [160, 100, 41, 40]) await looks.look(ago(minutes));
	await production.appendDecision(haltDecision(halted, ago(30)));
	for (const minutes of [2, 1, 0]) await looks.look(ago(minutes));
}
