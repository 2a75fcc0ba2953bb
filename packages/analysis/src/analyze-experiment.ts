import type { Decision, Experiment, ExperimentResults, ExperimentStatus } from "@armspan/schema";
import { sampleRatioMismatch } from "@armspan/stats";
import type { EvidenceKey, MetricTotals, MetricTotalsRequest, Store, StrayUnits } from "@armspan/store";
import { compareMetric } from "./compare-metric.ts";
import { compareSegments } from "./compare-segments.ts";
import { type Evidence, evidenceByDay, listedErrorTypes, overallEvidence } from "./evidence.ts";
import { experimentMetrics, metricOf } from "./experiment-metrics.ts";
import { checkGuardrails } from "./guardrail-check.ts";
import { closingDecision } from "./guardrail-decision.ts";
import { guardrailFindings } from "./guardrail-findings.ts";
import { guardrailResult } from "./guardrail-result.ts";
import { healthWarnings } from "./health-warnings.ts";
import { metricGuardrailChecks, sinceRestarts } from "./metric-guardrail-check.ts";
import { controlOf, treatmentsOf } from "./pair.ts";
import { plannedLooks } from "./planned-looks.ts";
import { primaryEvidence } from "./primary-evidence.ts";
import { sampleRatioMismatchResult } from "./sample-ratio-mismatch-result.ts";
import { treatmentVerdict } from "./treatment-verdict.ts";
import { moreToCome, verdict } from "./verdict.ts";

export interface AnalyzeExperimentOptions {
	store: Pick<
		Store,
		| "metricTotals"
		| "segmentTotals"
		| "arrivalTimes"
		| "strayUnits"
		| "violationWindows"
		| "sumsSinceStarts"
		| "listDecisions"
		| "lastCallStart"
		| "evidenceHealth"
	>;
	experiment: Experiment;
	now: Date;
	/** Only evidence of this environment, and evidence that names none; all when left out. */
	environment?: string;
	/** Compares treatments with each other, too. */
	pairwise?: boolean;
}

/**
 * Compares the variants of an experiment's current iteration on all that is in the store.
 *
 * Intervals hold when the experiment's inference says: by default at every look. After a halt, or an end that a service
 * recorded, the evidence is closed at the routing revision that it found and at its time: what happened by then counts,
 * whenever it arrives, and nothing that an application which ignores it does later.
 *
 * @throws {StoreError} when the store cannot answer
 * @throws {AnalysisError} UNKNOWN_METRIC when a metric is neither built in nor defined in the experiment
 */
export async function analyzeExperiment(options: AnalyzeExperimentOptions): Promise<ExperimentResults> {
	const { store, experiment, now } = options;
	const metrics = experimentMetrics(experiment);
	const iteration = {
		...{ experiment: experiment.key, iteration: experiment.iteration },
		...(options.environment === undefined ? {} : { environment: options.environment }),
	};
	const decisions = await store.listDecisions(iteration);
	const halt = decisions.find((decision) => decision.kind === "halt");
	const closing = closingDecision(decisions);
	const closed =
		closing === undefined ? {} : { untilRevision: closing.lastRevision, closedAt: new Date(closing.decidedAt) };
	const startedAt = iterationStart(decisions);
	// A closed iteration is looked at as of its end, so that its numbers no longer move with the clock.
	const asOf = closing === undefined ? now : new Date(closing.decidedAt);
	const request: MetricTotalsRequest = {
		...{ ...iteration, ...closed, asOf },
		metrics: [
			...metrics.map(({ metric }) => metric),
			...["cache-hit-rate", "abort-rate"].map((key) => metricOf(experiment, key)),
		].filter((metric, index, all) => all.indexOf(metric) === index),
		...(experiment.maturationHours === undefined ? {} : { maturationMs: experiment.maturationHours * 3_600_000 }),
		...(startedAt === undefined ? {} : { startedAt }),
		unitType: experiment.unit,
		prompt: experiment.prompt,
	};
	const found = await store.metricTotals({ ...request, splitByCache: true });
	const stray = await strayUnitsOf(store, experiment, found, { ...iteration, ...closed });
	const totals = totalsOfVariants(found, experiment, stray);
	const { segments } = experiment;
	const segmentTotals = segments.length === 0 ? [] : await store.segmentTotals({ ...request, segments });
	const events = await store.evidenceHealth({
		...{ ...iteration, sources: ["exposures", "evaluations"], onlyQuarantined: true },
	});
	const looks = await plannedLooks(store, experiment, request);
	const { environment } = iteration;
	const watched = {
		...{ store, experiment, origin: startedAt ?? now, now: asOf },
		...{ ...closed, ...(environment === undefined ? {} : { environment }) },
	};
	const checks = await checkGuardrails(watched);
	const since = await sinceRestarts(watched);

	const evidence = { now: overallEvidence(totals), looks, days: evidenceByDay(totals) };
	const compared = metrics.map((metric) => compareMetric(metric, experiment, evidence, options.pairwise));
	const bySegment = compareSegments(segmentTotals, metrics, experiment, options.pairwise);
	const findings = guardrailFindings(
		checks,
		metricGuardrailChecks(experiment, evidence.now, since, asOf),
		experiment,
		evidence.now,
	);
	const variants = experiment.variants.map(({ key, version, weight }) => {
		const arm = evidence.now.get(key);
		return {
			...{ key, version, weight },
			units: arm?.units ?? 0,
			calls: arm?.calls ?? 0,
			undeliveredCalls: arm?.undeliveredCalls ?? 0,
			quarantinedCalls: arm?.quarantinedCalls ?? 0,
			errorTypes: listedErrorTypes(arm?.errorTypes ?? new Map()),
		};
	});
	const status = statusOf(experiment, decisions);
	const units = variants.reduce((sum, variant) => sum + variant.units, 0);
	const { excludedUnits } = totals;
	const sampleRatio = sampleRatioMismatchResult(variants);
	const primary = primaryEvidence(experiment, compared);
	const primaryLooks = (treatment: string) =>
		compared
			.find(({ result }) => result.role === "primary")
			?.result.comparisons.find(({ variant }) => variant === treatment)?.looks ?? [];
	// Units that count in two arms come too, so the last look may be taken with fewer than were planned.
	const lookedLast = looks.some(({ look }) => look.final);
	const treatments = treatmentsOf(experiment).map(({ key }) =>
		treatmentVerdict({
			variant: key,
			alpha: experiment.alpha,
			moreToCome: !lookedLast && moreToCome({ experiment, status, units }),
			sampleRatio,
			excludedShare: excludedUnits === 0 ? 0 : excludedUnits / (units + excludedUnits),
			primaryMetric: experiment.primaryMetric.metric,
			primary: primary(key),
			primaryLooks: primaryLooks(key),
			guardrails: findings.filter(({ variant }) => variant === key),
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
		inference: experiment.inference,
		plannedUnits: experiment.plannedUnits,
		maturationHours: experiment.maturationHours ?? null,
		computedAt: now.toISOString(),
		newestCallAt: totals.newestCallAt?.toISOString() ?? null,
		newestEvaluationAt: totals.newestEventAt?.toISOString() ?? null,
		closedAtRevision: closing?.lastRevision ?? null,
		closedAt: closing?.decidedAt ?? null,
		variants,
		excludedUnits,
		unknownVariants: stray.variants
			.slice(0, SHOWN_VARIANTS)
			.map(({ variant, ...counts }) => ({ variant: variant.slice(0, SHOWN_CHARACTERS), ...counts })),
		immatureUnits: totals.immatureUnits,
		sampleRatioMismatch: sampleRatio,
		days: [...evidence.days].map(([day, ofDay]) => unitsOfDay(day, ofDay, experiment)),
		metrics: compared.map(({ result }) => result),
		segments: bySegment,
		guardrails: findings.map((finding) => guardrailResult(finding, experiment)),
		warnings: healthWarnings({
			...{ experiment, totals, stray, now, events },
			isRunning: status === "running",
			evidence: evidence.now,
			segments: bySegment,
		}),
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

const NO_STRAY_UNITS: StrayUnits = { units: 0, onlyUnknownUnits: 0, variants: [] };

/** Units whose evidence names variants that the experiment has not; whether there are any is to be seen from the totals. */
async function strayUnitsOf(
	store: Pick<Store, "strayUnits">,
	{ variants }: Experiment,
	{ arms, excludedUnits, immatureUnits }: MetricTotals,
	key: EvidenceKey,
): Promise<StrayUnits> {
	const known = variants.map((variant) => variant.key);
	const mayBe = excludedUnits > 0 || immatureUnits > 0 || arms.some(({ variant }) => !known.includes(variant));
	return mayBe ? store.strayUnits({ ...key, variants: known }) : NO_STRAY_UNITS;
}

/** Without arms that the experiment has not; who was in several of these only did not cross from one of its arms to another. */
function totalsOfVariants(totals: MetricTotals, { variants }: Experiment, stray: StrayUnits): MetricTotals {
	return {
		...totals,
		arms: totals.arms.filter((arm) => variants.some(({ key }) => key === arm.variant)),
		// evidence may have come between the two questions
		excludedUnits: Math.max(0, totals.excludedUnits - stray.onlyUnknownUnits),
	};
}

/** An iteration that was closed does not run, whatever git says. */
function statusOf({ status }: Experiment, decisions: readonly Decision[]): ExperimentStatus {
	if (decisions.some(({ kind }) => kind === "halt")) return "halted";
	return status === "running" && closingDecision(decisions) !== undefined ? "stopped" : status;
}

function unitsOfDay(day: string, evidence: Evidence, { variants }: Experiment): ExperimentResults["days"][number] {
	const units = Object.fromEntries(variants.map(({ key }) => [key, evidence.get(key)?.units ?? 0]));
	const allocation = Object.fromEntries(variants.map(({ key, weight }) => [key, weight]));
	const found = sampleRatioMismatch({ observed: units, allocation });
	return { day, units, sampleRatioPValue: found.kind === "estimated" ? found.pValue : null };
}

/** More names than these say nothing more, and a sender may make up any number of them. */
const SHOWN_VARIANTS = 20;
const SHOWN_CHARACTERS = 200;

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
	const since = new Date(Date.parse(halt.decidedAt) + HALT_GRACE_MS);
	const last = await Promise.all(
		variants.slice(1).map(async ({ key: variant }) => ({
			variant,
			at: await store.lastCallStart({ experiment, iteration, variant, since }),
		})),
	);
	return last.flatMap(({ variant, at }) => (at !== null && at > since ? [{ variant, at }] : []));
}

/** When the iteration began to enrol, as recorded by the service. */
export function iterationStart(decisions: readonly Decision[]): Date | undefined {
	const start = decisions.find((decision) => decision.kind === "start");
	return start === undefined ? undefined : new Date(start.decidedAt);
}
