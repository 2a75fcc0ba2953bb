import { type Decision, type Experiment, ITERATION_FIELDS, type JsonValue } from "@armspan/schema";

/** What fields stood for before they existed; iterations that were begun then did not record them. */
const UNRECORDED: Readonly<Record<string, JsonValue>> = { plannedLooks: 5, metrics: [], segments: [] };

/** What an iteration was begun with. The gate is not part of it: a ramp moves it. */
export type IterationDesign = Readonly<Record<string, JsonValue>>;

export function iterationDesign(experiment: Experiment): IterationDesign {
	return Object.fromEntries(ITERATION_FIELDS.map((field) => [field, (experiment[field] ?? null) as JsonValue]));
}

/** The design that a start decision recorded; `undefined` for other decisions. */
export function recordedDesign(decision: Decision): IterationDesign | undefined {
	const { inputs } = decision;
	return decision.kind === "start" && typeof inputs === "object" && inputs !== null && !Array.isArray(inputs)
		? ((inputs.design as IterationDesign | undefined) ?? undefined)
		: undefined;
}

/** Fields in which an experiment differs from what its iteration was begun with. */
export function changedFields(begun: IterationDesign, experiment: Experiment): string[] {
	const now = iterationDesign(experiment);
	return ITERATION_FIELDS.filter((field) => canonical(begun[field] ?? UNRECORDED[field]) !== canonical(now[field]));
}

/** Keys in one order, so that neither YAML's nor ClickHouse's order of keys is a change. */
function canonical(value: JsonValue | undefined): string {
	return JSON.stringify(value ?? null, (_key, part: unknown) =>
		typeof part === "object" && part !== null && !Array.isArray(part)
			? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
			: part,
	);
}
