import type { Direction, InferencePlan, PowerPlan } from "@armspan/schema";
import {
	type ComparisonPlan,
	DEFAULT_PLANNED_LOOKS,
	minimumDetectableEffect,
	type NotEstimable,
	type PlannedEffect,
	type PlannedInference,
	type PlannedMetric,
	planGroupSequential,
	plannedDuration,
	plannedPower,
	requiredUnits,
} from "@armspan/stats";

/** How the experiment is to be run. */
export interface PlannedDesign {
	readonly inference: InferencePlan["inference"] | null;
	/** Error rate of one treatment against control. */
	readonly alpha: number;
	readonly power: number;
	/** Relative to the baseline, > 0: 0.05 is 5 % in the direction that is better. */
	readonly minimumDetectableEffect: number;
	readonly direction: Direction;
	/** Weights, control first. */
	readonly weights: readonly number[];
	readonly enrolledShare: number;
	readonly maturationDays: number;
	/** Looks of a group-sequential test. */
	readonly plannedLooks: number;
	readonly plannedUnits: number | null;
}

export type PowerPlanOptions = Pick<PowerPlan, "experiment" | "metric" | "unit" | "source" | "newUnitsPerDay"> & {
	readonly history: PlannedMetric | NotEstimable;
	readonly design: PlannedDesign;
	readonly caveats?: readonly string[];
};

const INFERENCES = ["fixed", "group-sequential", "hybrid", "always-valid"] as const;
/** Multiples of the units that are needed at which the curve is shown. */
const CURVE = [0.1, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];

/**
 * Sample size, duration and power curve of an experiment, for each way to read its result.
 *
 * @throws {StatsError} for a design outside its domain
 */
export function powerPlan(options: PowerPlanOptions): PowerPlan {
	const { history, design, newUnitsPerDay } = options;
	const total = design.weights.reduce((sum, weight) => sum + weight, 0);
	const [control = 0, ...treatments] = design.weights;
	const shares = { controlShare: control / total, treatmentShare: Math.min(...treatments) / total };
	const effect = (design.direction === "increase" ? 1 : -1) * design.minimumDetectableEffect;
	const plan = (inference: (typeof INFERENCES)[number]): InferencePlan => {
		const chosen = inference === design.inference;
		if (history.kind === "not-estimable") {
			const nothing = { duration: null, expectedUnits: null, powerAtPlannedUnits: null, minimumDetectableEffect: null };
			return { inference, chosen, requiredUnits: history, ...nothing, curve: [] };
		}
		const comparison: ComparisonPlan = {
			...{ metric: history, alpha: design.alpha, inference: plannedInference(inference, design) },
			...shares,
		};
		return {
			inference,
			chosen,
			...inferencePlan(comparison, { scale: "relative", value: effect }, design, newUnitsPerDay),
		};
	};
	return {
		schemaVersion: 1,
		experiment: options.experiment,
		metric: options.metric,
		direction: design.direction,
		unit: options.unit,
		source: options.source,
		baseline: history.kind === "not-estimable" ? null : history.baseline,
		standardDeviationPerUnit: history.kind === "mean" ? Math.sqrt(history.variancePerUnit) : null,
		effect,
		alpha: design.alpha,
		power: design.power,
		arms: design.weights.length,
		...shares,
		enrolledShare: design.enrolledShare,
		maturationDays: design.maturationDays,
		plannedUnits: design.plannedUnits,
		newUnitsPerDay,
		plans: INFERENCES.map(plan),
		caveats: [...(options.caveats ?? [])],
	};
}

function plannedInference(
	kind: (typeof INFERENCES)[number],
	{ alpha, power, plannedLooks }: PlannedDesign,
): PlannedInference {
	if (kind !== "group-sequential") return kind === "fixed" ? { kind } : { kind, looks: DEFAULT_PLANNED_LOOKS };
	const { inflationFactor } = planGroupSequential({
		...{ alpha, power, sides: 2, spending: { kind: "obrien-fleming" } },
		informationFractions: Array.from({ length: plannedLooks }, (_, look) => (look + 1) / plannedLooks),
	});
	return { kind, inflationFactor };
}

function inferencePlan(
	comparison: ComparisonPlan,
	effect: PlannedEffect,
	{ power, plannedUnits, enrolledShare, maturationDays, direction }: PlannedDesign,
	newUnitsPerDay: readonly number[] | null,
): Omit<InferencePlan, "inference" | "chosen"> {
	const required = requiredUnits(comparison, effect, power);
	const powerAt = (units: number) => plannedPower(comparison, effect, units);
	const atRequired = required.kind === "estimated" ? powerAt(required.units) : undefined;
	const atPlanned = plannedUnits === null ? null : powerAt(plannedUnits);
	const found =
		plannedUnits === null
			? null
			: minimumDetectableEffect(comparison, { ...{ units: plannedUnits, power, direction }, scale: "relative" });
	return {
		requiredUnits:
			required.kind === "estimated"
				? { kind: "estimated", units: required.units, control: required.control, treatment: required.treatment }
				: required,
		duration:
			newUnitsPerDay === null || newUnitsPerDay.length === 0 || required.kind !== "estimated"
				? null
				: plannedDuration({ ...{ units: required.units, newUnitsPerDay, enrolledShare, maturationDays } }),
		expectedUnits: atRequired?.kind === "estimated" ? atRequired.expectedUnits : null,
		powerAtPlannedUnits: atPlanned?.kind === "estimated" ? { kind: "estimated", value: atPlanned.power } : atPlanned,
		minimumDetectableEffect: found?.kind === "estimated" ? { kind: "estimated", value: found.value } : found,
		curve:
			required.kind === "estimated"
				? CURVE.flatMap((multiple) => {
						const units = Math.round(multiple * required.units);
						const at = powerAt(Math.max(1, units));
						return at.kind === "estimated" ? [{ units, power: at.power }] : [];
					})
				: [],
	};
}
