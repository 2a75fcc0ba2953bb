import { requireArgument, StatsError } from "./stats-error.ts";

/** An arm with its exposed units and its configured weight. */
export interface AllocatedArm {
	readonly key: string;
	/** Integer ≥ 0 */
	readonly units: number;
	/** Finite, ≥ 0; relative to the other arms'. */
	readonly weight: number;
}

/**
 * Exposed units and weights brought together by arm, sorted by key, so that the order of keys changes no bit.
 *
 * @throws {StatsError} ARMS_DIFFER, INVALID_COUNT, INVALID_ALLOCATION
 */
export function allocatedArms(
	observed: Readonly<Record<string, number>>,
	allocation: Readonly<Record<string, number>>,
): AllocatedArm[] {
	const keys = Object.keys(allocation).sort();
	const observedKeys = Object.keys(observed).sort();
	if (keys.length !== observedKeys.length || keys.some((key, index) => key !== observedKeys[index])) {
		throw new StatsError(
			"ARMS_DIFFER",
			`invalid observed: arms ${observedKeys.join(", ") || "none"}; expected those of the allocation: ${keys.join(", ") || "none"}`,
			{ field: "observed", value: observedKeys },
		);
	}
	const arms = keys.map((key) => ({ key, units: observed[key] ?? 0, weight: allocation[key] ?? 0 }));
	for (const { key, units, weight } of arms) {
		requireArgument(
			Number.isSafeInteger(units) && units >= 0,
			"INVALID_COUNT",
			`observed.${key}`,
			units,
			"an integer ≥ 0",
		);
		requireArgument(
			weight >= 0 && weight < Number.POSITIVE_INFINITY,
			"INVALID_ALLOCATION",
			`allocation.${key}`,
			weight,
			"a finite number ≥ 0",
		);
	}
	requireArgument(
		arms.some((arm) => arm.weight > 0),
		"INVALID_ALLOCATION",
		"allocation",
		JSON.stringify(allocation),
		"at least one arm with a weight",
	);
	return arms;
}
