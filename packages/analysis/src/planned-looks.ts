import type { Experiment, PlannedLook } from "@armspan/schema";
import type { EvidenceKey, MetricTotals, MetricTotalsRequest, Store } from "@armspan/store";
import { type Evidence, overallEvidence } from "./evidence.ts";

/** The evidence of one planned look, with nothing from after it. */
export interface LookEvidence {
	readonly look: PlannedLook;
	readonly evidence: Evidence;
}

/**
 * The planned looks that were reached by now, oldest first. Each is the evidence up to the moment at which its number of
 * units had come (and matured), so it does not depend on who looked when.
 */
export async function plannedLooks(
	store: Pick<Store, "arrivalTimes" | "metricTotals">,
	experiment: Experiment,
	request: MetricTotalsRequest,
): Promise<LookEvidence[]> {
	const numbers = unitsOfLooks(experiment);
	if (numbers.length === 0) return [];
	const key: EvidenceKey = { experiment: request.experiment, iteration: request.iteration };
	if (request.environment !== undefined) key.environment = request.environment;
	if (request.untilRevision !== undefined) key.untilRevision = request.untilRevision;
	if (request.closedAt !== undefined) key.closedAt = request.closedAt;
	const variants = experiment.variants.map((variant) => variant.key);
	const arrived = await store.arrivalTimes({ ...key, numbers, variants });
	const looks: LookEvidence[] = [];
	for (const [index, time] of arrived.entries()) {
		const asOf = new Date(time.getTime() + (request.maturationMs ?? 0));
		if (asOf > request.asOf) break;
		const totals: MetricTotals = await store.metricTotals({ ...request, asOf, isPlannedLook: true });
		looks.push({
			look: {
				number: index + 1,
				of: numbers.length,
				units: totals.arms.reduce((sum, arm) => sum + (variants.includes(arm.variant) ? arm.units : 0), 0),
				evidenceUntil: asOf.toISOString(),
				final: index + 1 === numbers.length,
			},
			evidence: overallEvidence(totals),
		});
	}
	return looks;
}

/** Numbers of units at which a look was planned. */
function unitsOfLooks({ inference, plannedUnits, plannedLooks: of }: Experiment): number[] {
	if (inference === "always-valid") return [];
	if (inference !== "group-sequential") return [plannedUnits];
	return Array.from({ length: of }, (_, index) => Math.ceil((plannedUnits * (index + 1)) / of));
}
