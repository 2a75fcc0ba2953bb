import type { Decision, Experiment, ExperimentResults, MetricKey, MetricResult } from "@armspan/schema";
import type { Store } from "@armspan/store";
import { compareMetric } from "./compare-metric.ts";
import { checkGuardrails } from "./guardrail-check.ts";
import { guardrailFindings } from "./guardrail-findings.ts";
import { guardrailResult } from "./guardrail-result.ts";
import { primaryEvidence } from "./primary-evidence.ts";
import { sampleRatioMismatchResult } from "./sample-ratio-mismatch-result.ts";
import { treatmentVerdict } from "./treatment-verdict.ts";
import { moreToCome, verdict } from "./verdict.ts";
import { controlOf, treatmentsOf } from "./watched-pair.ts";

export interface AnalyzeExperimentOptions {
	store: Pick<Store, "variantTotals" | "violationWindows" | "listDecisions" | "lastCallStart">;
	experiment: Experiment;
	now: Date;
}

/**
 * Compares the variants of an experiment's current iteration on all that is in the store.
 *
 * Every interval holds at every look. After a halt the evidence is closed at the routing revision that the
 * halt found: what was assigned by it counts, whenever it arrives, and nothing later does.
 *
 * @throws {StoreError} when the store cannot answer
 */
export async function analyzeExperiment(options: AnalyzeExperimentOptions): Promise<ExperimentResults> {
	const { store, experiment, now } = options;
	const iteration = { experiment: experiment.key, iteration: experiment.iteration };
	const decisions = await store.listDecisions(iteration);
	const halt = decisions.find((decision) => decision.kind === "halt");
	const closed = halt === undefined ? {} : { untilRevision: halt.lastRevision };
	const totals = await store.variantTotals({ ...iteration, ...closed });
	const checks = await checkGuardrails({
		store,
		experiment,
		origin: iterationStart(decisions) ?? now,
		// A closed iteration is looked at as of its halt, so that its numbers no longer move with the clock.
		now: halt === undefined ? now : new Date(halt.decidedAt),
		...closed,
	});

	const compared = metricRoles(experiment).map(([metric, role]) => compareMetric(metric, role, experiment, totals));
	const findings = guardrailFindings(checks, experiment, totals);
	const variants = experiment.variants.map(({ key, version, weight }) => {
		const found = totals.variants.find((variant) => variant.variant === key);
		return {
			key,
			version,
			weight,
			units: found?.units ?? 0,
			calls: found?.calls ?? 0,
			undeliveredCalls: found?.undeliveredCalls ?? 0,
		};
	});
	const status = halt === undefined ? experiment.status : "halted";
	const units = variants.reduce((sum, variant) => sum + variant.units, 0);
	const { excludedUnits } = totals;
	const sampleRatio = sampleRatioMismatchResult(variants);
	const primary = primaryEvidence(experiment, compared);
	const treatments = treatmentsOf(experiment).map(({ key }) =>
		treatmentVerdict({
			variant: key,
			alpha: experiment.alpha,
			moreToCome: moreToCome({ experiment, status, units }),
			sampleRatio,
			excludedShare: excludedUnits === 0 ? 0 : excludedUnits / (units + excludedUnits),
			primaryMetric: experiment.primaryMetric.metric,
			primary: primary(key),
			guardrails: findings.filter(({ check }) => check.variant === key),
			arms: variants.filter((variant) => variant.key === key || variant.key === controlOf(experiment).key),
		}),
	);
	return {
		schemaVersion: 1,
		experiment: experiment.key,
		iteration: experiment.iteration,
		status,
		unit: experiment.unit,
		alpha: experiment.alpha,
		computedAt: now.toISOString(),
		newestCallAt: totals.newestCallAt?.toISOString() ?? null,
		closedAtRevision: halt?.lastRevision ?? null,
		variants,
		excludedUnits,
		sampleRatioMismatch: sampleRatio,
		metrics: compared.map(({ result }) => result),
		guardrails: findings.map((finding) => guardrailResult(finding, experiment.alpha)),
		verdict: verdict({
			experiment,
			status,
			units,
			treatments,
			decisions,
			routedAfterHalt: await routedAfterHalt(store, experiment, halt),
		}),
		decisions,
	};
}

/** Time within which every application has picked up a halt; afterwards, calls to treatment are a fault. */
const HALT_GRACE_MS = 60_000;

/** Treatments that were still called well after the halt, with the newest such call. */
export async function routedAfterHalt(
	store: Pick<Store, "lastCallStart">,
	{ key: experiment, iteration, variants }: Experiment,
	halt: Decision | undefined,
): Promise<{ variant: string; at: Date }[]> {
	if (halt === undefined) {
		return [];
	}
	const last = await Promise.all(
		variants.slice(1).map(async ({ key: variant }) => ({
			variant,
			at: await store.lastCallStart({ experiment, iteration, variant }),
		})),
	);
	return last.flatMap(({ variant, at }) =>
		at !== null && at.getTime() > Date.parse(halt.decidedAt) + HALT_GRACE_MS ? [{ variant, at }] : [],
	);
}

/** When the iteration began to enrol, as recorded by the service. */
export function iterationStart(decisions: readonly Decision[]): Date | undefined {
	const start = decisions.find((decision) => decision.kind === "start");
	return start === undefined ? undefined : new Date(start.decidedAt);
}

/** Each metric once, in the role that matters most. */
function metricRoles(experiment: Experiment): [MetricKey, MetricResult["role"]][] {
	const roles = new Map<MetricKey, MetricResult["role"]>([[experiment.primaryMetric.metric, "primary"]]);
	for (const { metric } of experiment.guardrails) {
		if (!roles.has(metric)) {
			roles.set(metric, "guardrail");
		}
	}
	for (const metric of experiment.secondaryMetrics) {
		if (!roles.has(metric)) {
			roles.set(metric, "secondary");
		}
	}
	return [...roles];
}
