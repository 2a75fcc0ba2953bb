import {
	type AnalyzeExperimentOptions,
	analyzeExperiment,
	compareVersions,
	experimentMetrics,
	metricOf,
	recordedDesign,
} from "@armspan/analysis";
import {
	BUILT_IN_METRICS,
	Experiment,
	type ExperimentResults,
	type MetricDefinition,
	type MetricList,
	metricUnit,
	type PowerPlan,
	type SqlAnswer,
	type SqlQuestion,
	type VersionComparison,
} from "@armspan/schema";
import type { Store } from "@armspan/store";
import { ServiceError } from "../service-error.ts";
import type { Intent } from "./intent.ts";
import {
	calledPrompt,
	ownMetrics,
	type PowerRequest,
	planOfExperiment,
	planWithoutExperiment,
} from "./plan-of-history.ts";

const MS_PER_DAY = 86_400_000;
const DEFAULT_HISTORY_DAYS = 14;
/** Versions of all prompts whose calls are counted for the list of metrics. */
const MAX_COUNTED_PROMPTS = 50;

export interface ResultsRequest {
	/** An earlier iteration; the current one when left out. */
	readonly iteration?: number | undefined;
	/** Compares treatments with each other, too. */
	readonly pairwise?: boolean | undefined;
}

export interface VersionsRequest {
	readonly prompt: string;
	/** The version before a deployment, and the one after it. */
	readonly from: string;
	readonly to: string;
	/** Keys; the usual built-in ones when left out. */
	readonly metrics?: readonly string[] | undefined;
	/** Days before `until`. */
	readonly days?: number | undefined;
	/** Exclusive; now when left out. */
	readonly until?: Date | undefined;
}

export interface EvidenceReaderOptions {
	/** Answers for one environment. */
	readonly store: Pick<Store, "versionTotals" | "versionOverlap" | "userSql"> & AnalyzeExperimentOptions["store"];
	readonly environment?: string | undefined;
	readonly intent: () => Intent;
}

/** Metrics that an experiment of the repository may name, uncounted. */
export function listMetrics({ experiments, metrics }: Intent): MetricList {
	const listed: { definition: MetricDefinition; definedBy: string }[] = [
		...[...BUILT_IN_METRICS.values()].map((definition) => ({ definition, definedBy: "built-in" })),
		...metrics.map(({ metric, file }) => ({ definition: metric, definedBy: file })),
	];
	for (const { experiment, file } of experiments) {
		for (const definition of experiment.metrics) {
			if (!listed.some((one) => one.definition.key === definition.key)) listed.push({ definition, definedBy: file });
		}
	}
	return {
		schemaVersion: 1,
		metrics: listed.map(({ definition, definedBy }) => ({
			...{ key: definition.key, definedBy, unit: metricUnit(definition), definition },
			...{ observations: null, versionUnits: null },
		})),
		window: null,
	};
}

/** A metric whose denominator is how often this one was observed: a ratio's own is a quantity, such as tokens. */
function countedBy(metric: MetricDefinition): MetricDefinition {
	if (metric.kind !== "ratio" || metric.denominator === undefined) return metric;
	const { denominator: value, ...rest } = metric;
	return { ...rest, kind: "mean", value };
}

/** Answers questions about the evidence; what the API and the command line share. */
export class EvidenceReader {
	readonly #store: EvidenceReaderOptions["store"];
	readonly #environment: { environment?: string };
	readonly #intent: () => Intent;

	constructor({ store, environment, intent }: EvidenceReaderOptions) {
		this.#store = store;
		this.#environment = environment === undefined ? {} : { environment };
		this.#intent = intent;
	}

	/**
	 * Comparison of an experiment's variants. An earlier iteration is analysed by the design that it was begun with.
	 *
	 * @returns `undefined` for an experiment that is not in the repository
	 * @throws {ServiceError} UNKNOWN_ITERATION
	 */
	async results(key: string, { iteration, pairwise }: ResultsRequest = {}): Promise<ExperimentResults | undefined> {
		const current = this.#experiment(key);
		if (current === undefined) return undefined;
		const experiment =
			iteration === undefined || iteration === current.iteration ? current : await this.#earlier(current, iteration);
		return analyzeExperiment({
			...{ store: this.#store, experiment, now: new Date(), ...this.#environment },
			...(pairwise === undefined ? {} : { pairwise }),
		});
	}

	/**
	 * Two versions of a prompt as they were used, without an experiment; nobody was randomized.
	 *
	 * @throws {AnalysisError} UNKNOWN_METRIC
	 * @throws {ServiceError} UNKNOWN_PROMPT when one of them was not called
	 */
	async versions({ prompt, from, to, metrics, days, until }: VersionsRequest): Promise<VersionComparison> {
		const now = new Date();
		const end = until ?? now;
		const window = { since: new Date(end.getTime() - (days ?? DEFAULT_HISTORY_DAYS) * MS_PER_DAY), until: end };
		const own = ownMetrics(this.#intent());
		const definitions = metrics?.map((key) => metricOf({ metrics: own }, key));
		const { versions } = await calledPrompt(this.#store, prompt, window, this.#environment);
		for (const version of [from, to]) {
			if (versions.includes(version)) continue;
			throw new ServiceError(
				"UNKNOWN_PROMPT",
				`no call of ${prompt} ${version} is in the evidence from ${window.since.toISOString()} to ${end.toISOString()}; called were ${versions.slice(0, 20).join(", ")}: name two of them, or more days`,
				{ prompt, version, versions: versions.slice(0, 20) },
			);
		}
		return compareVersions({
			...{ store: this.#store, prompt, before: from, after: to, ...window, now, ...this.#environment },
			...(definitions === undefined ? {} : { metrics: definitions }),
		});
	}

	/** Metrics that may be named, with how often each was observed lately. */
	async metrics(days: number = DEFAULT_HISTORY_DAYS): Promise<MetricList> {
		const intent = this.#intent();
		const listed = listMetrics(intent);
		const until = new Date();
		const since = new Date(until.getTime() - days * MS_PER_DAY);
		const counts = new Map<string, { observations: number; versionUnits: number }>();
		const prompts = Map.groupBy(intent.experiments, ({ experiment }) => experiment.prompt);
		for (const [prompt, files] of [...prompts].slice(0, MAX_COUNTED_PROMPTS)) {
			const versions = files.flatMap(({ experiment }) => experiment.variants.map(({ version }) => version));
			const totals = await this.#store.versionTotals({
				...{ prompt, versions: [...new Set(versions)], since, until, ...this.#environment },
				metrics: listed.metrics.flatMap(({ definition }) =>
					definition.source === "sql" ? [] : [countedBy(definition)],
				),
			});
			for (const { metrics: sums } of totals.arms) {
				for (const [key, { units, sumN }] of Object.entries(sums)) {
					const known = counts.get(key) ?? { observations: 0, versionUnits: 0 };
					counts.set(key, {
						observations: known.observations + Number(sumN),
						versionUnits: known.versionUnits + units,
					});
				}
			}
		}
		return {
			schemaVersion: 1,
			metrics: listed.metrics.map((metric) => ({
				...metric,
				// Rows of one's own SQL belong to an experiment's units, which are not asked for here.
				...(metric.definition.source === "sql" ? {} : (counts.get(metric.key) ?? { observations: 0, versionUnits: 0 })),
			})),
			window: { since: since.toISOString(), until: until.toISOString() },
		};
	}

	/**
	 * Plans an experiment from what its prompt's calls were.
	 *
	 * @returns `undefined` for an experiment that is not in the repository
	 * @throws {AnalysisError} UNKNOWN_METRIC
	 * @throws {ServiceError} UNKNOWN_PROMPT
	 */
	async power(request: PowerRequest): Promise<PowerPlan | undefined> {
		if (request.experiment === undefined)
			return planWithoutExperiment(this.#store, request, this.#intent(), this.#environment);
		const experiment = this.#experiment(request.experiment);
		return experiment === undefined
			? undefined
			: planOfExperiment(this.#store, experiment, request, this.#intent(), this.#environment);
	}

	/** Answers one SELECT. @throws {StoreError} SQL_REFUSED, SQL_FAILED, SQL_LIMIT, SQL_BUSY */
	async sql({ statement, maxRows, maxExecutionMs }: SqlQuestion): Promise<SqlAnswer> {
		const { columns, rows, truncated, elapsedMs } = await this.#store.userSql(statement, {
			...(maxRows === undefined ? {} : { maxRows }),
			...(maxExecutionMs === undefined ? {} : { maxExecutionMs }),
		});
		return { schemaVersion: 1, columns, rows: rows as SqlAnswer["rows"], truncated, elapsedMs };
	}

	#experiment(key: string): Experiment | undefined {
		return this.#intent().experiments.find(({ experiment }) => experiment.key === key)?.experiment;
	}

	async #earlier(current: Experiment, iteration: number): Promise<Experiment> {
		const decisions = await this.#store.listDecisions({ experiment: current.key, iteration, ...this.#environment });
		const design = decisions.map(recordedDesign).find((found) => found !== undefined);
		const recorded = Object.fromEntries(Object.entries(design ?? {}).filter(([, value]) => value !== null));
		const parsed = Experiment.safeParse({
			// Designs of before there were segments recorded none.
			...{ ...current, segments: [], ...recorded },
			...{ iteration, status: "stopped" },
		});
		if (design === undefined || iteration > current.iteration || !parsed.success) {
			throw new ServiceError(
				"UNKNOWN_ITERATION",
				`${current.key} has no iteration ${iteration} whose design was recorded; the current one is ${current.iteration}`,
				{ experiment: current.key, iteration },
			);
		}
		experimentMetrics(parsed.data);
		return parsed.data;
	}
}
