import type { Store } from "./store.ts";

/**
 * The store as one environment sees it: its own evidence and decisions, and those that name no environment. What it
 * decides is its own. Counts, ingest and maintenance are of the whole store. A method that is given an
 * environment keeps it.
 */
export function storeOfEnvironment(store: Store, environment: string): Store {
	const scoped: Partial<Store> = {
		metricTotals: (request) => store.metricTotals({ environment, ...request }),
		segmentTotals: (request) => store.segmentTotals({ environment, ...request }),
		versionTotals: (request) => store.versionTotals({ environment, ...request }),
		versionOverlap: (request) => store.versionOverlap({ environment, ...request }),
		arrivalTimes: (request) => store.arrivalTimes({ environment, ...request }),
		strayUnits: (key) => store.strayUnits({ environment, ...key }),
		violationWindows: (key) => store.violationWindows({ environment, ...key }),
		sumsSinceStarts: (request) => store.sumsSinceStarts({ environment, ...request }),
		lastCallStart: (key) => store.lastCallStart({ environment, ...key }),
		evidenceHealth: (key) => store.evidenceHealth({ environment, ...key }),
		listDecisions: (filter) => store.listDecisions({ environment, ...filter }),
		appendDecision: (decision) => store.appendDecision({ environment, ...decision }),
		highestRevision: (filter) => store.highestRevision({ environment, ...filter }),
		callsBeyondRevision: (key) => store.callsBeyondRevision({ environment, ...key }),
		callIds: (filter) => store.callIds({ environment, ...filter }),
		seenUnits: (filter) => store.seenUnits({ environment, ...filter }),
	};
	return new Proxy(store, {
		get(target, name) {
			const own = scoped[name as keyof Store];
			if (own !== undefined) {
				return own;
			}
			const value: unknown = Reflect.get(target, name, target);
			// methods read private fields, which a proxy has not
			return typeof value === "function" ? value.bind(target) : value;
		},
	});
}
