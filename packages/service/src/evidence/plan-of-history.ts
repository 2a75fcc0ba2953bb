import { type MetricHistory, metricHistory, metricOf, type PlannedDesign, planInThread } from "@armspan/analysis";
import { type Experiment, type MetricDefinition, metricUnit, type PowerPlan } from "@armspan/schema";
import type { Store } from "@armspan/store";
import { ServiceError } from "../service-error.ts";
import type { Intent } from "./intent.ts";

const MS_PER_DAY = 86_400_000;
const DEFAULT_HISTORY_DAYS = 14;
/** Effect that is planned with when neither a person nor history names one. */
const USUAL_EFFECT = 0.05;

/** What to do when nobody called: more days never find the calls of today. */
const WHOLE_DAYS =
	"only whole days before today (UTC) count, so calls of today count from tomorrow on: ask again then, plan with numbers of your own (armspan power --baseline), or name a prompt that was called, or more days";

export interface PowerRequest {
	/** Whose design, prompt and primary metric are planned with; without it two equal arms of a prompt's calls. */
	readonly experiment?: string | undefined;
	/** Without an experiment; the only prompt that was called when left out. */
	readonly prompt?: string | undefined;
	/** Another metric than the primary one; needed without an experiment. */
	readonly metric?: string | undefined;
	/** Relative, > 0; when left out that of the experiment, or the smallest that as many units as in history would show. */
	readonly effect?: number | undefined;
	readonly power?: number | undefined;
	/** Version whose calls give the baseline; control's when left out, without an experiment the one used most. */
	readonly version?: string | undefined;
	/** Days of history, whole UTC days before today. */
	readonly days?: number | undefined;
}

type HistoryStore = Pick<Store, "versionTotals" | "userSql">;
type Environment = { readonly environment?: string };

/** Days of history, which end with the last whole UTC day. */
function historyDays({ days = DEFAULT_HISTORY_DAYS }: PowerRequest): { since: Date; until: Date } {
	const until = new Date(Math.floor(Date.now() / MS_PER_DAY) * MS_PER_DAY);
	return { since: new Date(until.getTime() - days * MS_PER_DAY), until };
}

/** Plans with the design of an experiment, and what the calls of its prompt were. @throws {AnalysisError} UNKNOWN_METRIC */
export async function planOfExperiment(
	store: HistoryStore,
	experiment: Experiment,
	request: PowerRequest,
	intent: Intent,
	environment: Environment,
): Promise<PowerPlan> {
	const own = [...experiment.metrics, ...intent.metrics.map(({ metric }) => metric)];
	const metric = metricOf({ metrics: own }, request.metric ?? experiment.primaryMetric.metric);
	const versions = experiment.variants.map(({ version }) => version);
	const history = await metricHistory({
		...{ store, prompt: experiment.prompt, metric, ...historyDays(request), ...environment },
		version: request.version ?? versions[0] ?? "",
		otherVersions: versions,
	});
	const weights = experiment.variants.map(({ weight }) => weight);
	return planOf(experiment.key, metric, history, caveatsOf(experiment, metric), {
		inference: experiment.inference,
		alpha: experiment.alpha / (weights.length - 1),
		power: request.power ?? experiment.power,
		minimumDetectableEffect: request.effect ?? experiment.primaryMetric.minimumDetectableEffect,
		direction: metric.direction,
		weights,
		enrolledShare: experiment.allocation.enrolled,
		maturationDays: Math.ceil((experiment.maturationHours ?? 0) / 24),
		plannedLooks: experiment.plannedLooks,
		plannedUnits: experiment.plannedUnits,
	});
}

/**
 * Plans two equal arms from what the calls of a prompt were, of its most used version unless one is named.
 *
 * Without an effect it is the smallest that as many units as came in these days would show at every look.
 *
 * @throws {AnalysisError} UNKNOWN_METRIC
 * @throws {ServiceError} UNKNOWN_PROMPT
 */
export async function planWithoutExperiment(
	store: HistoryStore,
	request: PowerRequest,
	intent: Intent,
	environment: Environment,
): Promise<PowerPlan> {
	const metric = metricOf({ metrics: ownMetrics(intent) }, request.metric ?? "");
	const window = historyDays(request);
	const { prompt, versions } = await calledPrompt(store, request.prompt, window, environment, WHOLE_DAYS);
	const history = await metricHistory({
		...{ store, prompt, metric, ...window, ...environment },
		version: request.version ?? versions[0] ?? "",
		otherVersions: versions,
	});
	const units = history.newUnitsPerDay?.reduce((sum, ofDay) => sum + ofDay, 0) ?? 0;
	const design: PlannedDesign = {
		...{ inference: "always-valid", alpha: 0.05, power: request.power ?? 0.8, direction: metric.direction },
		...{ weights: [1, 1], enrolledShare: 1, maturationDays: 0, plannedLooks: 5 },
		minimumDetectableEffect: request.effect ?? USUAL_EFFECT,
		plannedUnits: units < 100 ? null : units,
	};
	const caveats = [
		"There is no experiment yet: two equal arms, everybody enrolled, alpha 0.05. Traffic is that of the prompt's units.",
	];
	const plan = await planOf(null, metric, history, caveats, design);
	if (request.effect !== undefined) return plan;
	const found = plan.plans.find(({ inference }) => inference === "always-valid")?.minimumDetectableEffect;
	if (found?.kind !== "estimated") {
		caveats.push(`No effect was named, and history gives none: ${USUAL_EFFECT * 100} % is only an example.`);
		return { ...plan, caveats };
	}
	caveats.push(
		`No effect was named: it is the smallest that the ${units} units of these days would have shown. Name what is worth knowing by --effect.`,
	);
	return planOf(null, metric, history, caveats, { ...design, minimumDetectableEffect: Math.abs(found.value) });
}

function planOf(
	experiment: string | null,
	metric: MetricDefinition,
	{ source, newUnitsPerDay, planned }: MetricHistory,
	caveats: string[],
	design: PlannedDesign,
): Promise<PowerPlan> {
	const of = { experiment, metric: metric.key, unit: metricUnit(metric) };
	return planInThread({ ...of, source, newUnitsPerDay, history: planned, design, caveats });
}

/** Metrics that the repository defines, for questions that are no experiment's. */
export function ownMetrics({ metrics, experiments }: Intent): MetricDefinition[] {
	return [...metrics.map(({ metric }) => metric), ...experiments.flatMap(({ experiment }) => experiment.metrics)];
}

/**
 * The prompt that is asked for, or the only one that was called, with its versions, the most used first.
 *
 * @throws {ServiceError} UNKNOWN_PROMPT
 */
export async function calledPrompt(
	store: HistoryStore,
	asked: string | undefined,
	{ since, until }: { readonly since: Date; readonly until: Date },
	{ environment }: Environment,
	advice = "name a prompt that was called, or more days",
): Promise<{ prompt: string; versions: string[] }> {
	const quoted = (text: string) => `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
	const time = (date: Date) => `toDateTime(${date.getTime() / 1000}, 'UTC')`;
	const { rows } = await store.userSql(
		`SELECT prompt_name, prompt_version FROM calls
WHERE NOT shadow AND prompt_version != '' AND started_at >= ${time(since)} AND started_at < ${time(until)}
${environment === undefined ? "" : `AND environment IN ('', ${quoted(environment)})`}
${asked === undefined ? "" : `AND prompt_name = ${quoted(asked)}`}
GROUP BY prompt_name, prompt_version ORDER BY count() DESC, prompt_name, prompt_version`,
		{ maxRows: 1000 },
	);
	const called = rows.map(([name, version]) => [String(name), String(version)] as const);
	const prompts = [...new Set(called.map(([name]) => name))];
	const [prompt] = prompts;
	if (prompt === undefined || prompts.length > 1) {
		throw new ServiceError(
			"UNKNOWN_PROMPT",
			prompt === undefined
				? `no call of ${asked ?? "any prompt"} is in the evidence from ${since.toISOString()} to ${until.toISOString()}; ${advice}`
				: `several prompts were called: ${prompts.slice(0, 20).join(", ")}; name one of them`,
			{ prompts: prompts.slice(0, 20) },
		);
	}
	return { prompt, versions: called.map(([, version]) => version).slice(0, 100) };
}

function caveatsOf(experiment: Experiment, metric: MetricDefinition): string[] {
	return [
		"Traffic is that of the units which used one of the experiment's versions; an audience or a layer may leave fewer.",
		...(metric.covariateDays === undefined ? [] : ["What CUPED saves is not in the plan: fewer units may do."]),
		...(experiment.unit === "user"
			? []
			: [`History counts the units that calls name; plan with care if they were no ${experiment.unit}s.`]),
	];
}
