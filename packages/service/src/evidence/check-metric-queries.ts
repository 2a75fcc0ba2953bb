import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MetricDefinition } from "@armspan/schema";
import { openStore, type Store, StoreError } from "@armspan/store";

/** What is wrong with the query of a metric of source `sql`. */
export interface MetricQueryFault {
	readonly metric: MetricDefinition;
	readonly message: string;
	/** `unknown`: it reads a table that an empty evidence store has not; a view of somebody's own may be one. */
	readonly kind: "refused" | "unknown";
}

/** A name as people give it to a view of this database. */
const UNKNOWN_TABLE = /there is no table [A-Za-z_]\w* to ask/;

/**
 * Asks the queries of metrics as an analysis would, of an embedded store without evidence: what is refused, fails or
 * takes too long there does so in every store.
 *
 * @throws {StoreError} STORE_UNAVAILABLE without the embedded engine
 */
export async function checkMetricQueries(metrics: readonly MetricDefinition[]): Promise<MetricQueryFault[]> {
	const path = mkdtempSync(join(tmpdir(), "armspan-check-"));
	let store: Store | undefined;
	try {
		store = await openStore({ kind: "embedded", path });
		await store.migrate();
		const faults: MetricQueryFault[] = [];
		for (const metric of metrics) {
			const { sqlSources = [] } = await store.metricTotals({
				...{ experiment: "none", iteration: 1, metrics: [metric], asOf: new Date(0), unitType: "user", prompt: "none" },
			});
			for (const { failure } of sqlSources) {
				if (failure === null) continue;
				faults.push({ metric, message: failure, kind: UNKNOWN_TABLE.test(failure) ? "unknown" : "refused" });
			}
		}
		return faults;
	} finally {
		await store?.close();
		rmSync(path, { recursive: true, force: true });
	}
}

/** Whether nothing could be checked since the embedded engine is not installed. */
export function isWithoutEngine(error: unknown): boolean {
	return error instanceof StoreError && error.code === "STORE_UNAVAILABLE";
}
