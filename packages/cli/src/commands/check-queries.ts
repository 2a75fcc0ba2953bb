import { RegistryError, type RepositorySnapshot } from "@armspan/registry";
import { type MetricDefinition, sqlPlaceholders } from "@armspan/schema";

/**
 * Asks the SELECT of every metric of source `sql` as an analysis would, of an empty embedded store, which is opened only
 * when there is such a metric.
 *
 * @returns warnings: what could not be checked
 * @throws {RegistryError} INVALID_REPOSITORY, one `file:line: message` per query that is refused
 */
export async function checkQueries(snapshot: RepositorySnapshot): Promise<string[]> {
	const places = placesOf(snapshot);
	if (places.size === 0) return [];
	const { checkMetricQueries, isWithoutEngine } = await import("@armspan/service");
	try {
		const faults = await checkMetricQueries([...places.keys()]);
		const say = (kind: (typeof faults)[number]["kind"]) =>
			faults
				.filter((fault) => fault.kind === kind)
				.map(({ metric, message }) => `${places.get(metric)}: query: ${message}`);
		const refused = say("refused");
		if (refused.length > 0) {
			const head = `${refused.length === 1 ? "1 query" : `${refused.length} queries`} of metrics would give no value, at commit ${snapshot.commit.slice(0, 12)}:`;
			throw new RegistryError("INVALID_REPOSITORY", [head, ...refused].join("\n"));
		}
		const hints = [...places].flatMap(([metric, place]) => hintOf(metric, place));
		const unknown = say("unknown").map((text) => `${text}; a view of your own cannot be checked here`);
		return [...hints, ...unknown];
	} catch (error) {
		if (!isWithoutEngine(error)) throw error;
		return [...places.values()].map((place) => `${place}: query: not checked, ClickHouse's library is not installed`);
	}
}

const EVIDENCE_TABLE =
	/\b(?:FROM|JOIN)\s+[`"]?(calls|call_traces|exposures|evaluations|otel_traces|otel_logs|decisions)\b/i;

/** Evidence of every experiment and environment lies in one table; a unit may be in several. */
function hintOf({ query = "" }: MetricDefinition, place: string): string[] {
	const table = EVIDENCE_TABLE.exec(query)?.[1];
	const narrows = sqlPlaceholders(query).some(({ name }) => name !== "environment");
	return table === undefined || narrows
		? []
		: [
				`${place}: query: reads ${table} of every experiment; to count what units did in the one that is analysed, write WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32}`,
			];
}

/** Where each query stands, as `file:line`. */
function placesOf({ metrics, experiments }: RepositorySnapshot): Map<MetricDefinition, string> {
	const places = new Map<MetricDefinition, string>();
	for (const { file, metric, lineOf } of metrics) {
		if (metric.source === "sql") places.set(metric, `${file}:${lineOf(["query"])}`);
	}
	for (const { file, experiment, lineOf } of experiments) {
		experiment.metrics.forEach((metric, index) => {
			// Definitions of metrics/ are in the experiments that name them, and are known already.
			if (metric.source === "sql" && !places.has(metric))
				places.set(metric, `${file}:${lineOf(["metrics", index, "query"])}`);
		});
	}
	return places;
}
