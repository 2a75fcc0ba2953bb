import type { ExperimentFile, MetricFile } from "@armspan/registry";

/** What a deployed or committed repository intends. */
export interface Intent {
	readonly experiments: readonly ExperimentFile[];
	readonly metrics: readonly MetricFile[];
}
