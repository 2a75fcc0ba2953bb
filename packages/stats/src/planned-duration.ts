import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { requireArgument } from "./stats-error.ts";

export interface PlannedDurationOptions {
	/** Enrolled units needed in all arms together, as `requiredUnits` gives them. */
	readonly units: number;
	/**
	 * Eligible units seen for the first time on each day since launch; the last entry holds for all later days. Returning
	 * units are no new ones, so the first days are the richest.
	 */
	readonly newUnitsPerDay: readonly number[];
	/** The gate: share of eligible units that is enrolled, in (0, 1]. @default 1 */
	readonly enrolledShare?: number;
	/** Days after exposure until a unit's value is complete. @default 0 */
	readonly maturationDays?: number;
	/** Round up to full weeks, so that every weekday counts the same. @default true */
	readonly fullWeeks?: boolean;
}

export interface PlannedDuration {
	readonly kind: "estimated";
	/** Days from launch until the result may be read. */
	readonly days: number;
	/** Days of them during which units are enrolled. */
	readonly enrollmentDays: number;
}

/** Ten years. */
const LONGEST_DAYS = 3652;

/**
 * How long an experiment runs until it has its units and they are mature.
 *
 * @returns not-estimable `out-of-reach` beyond ten years
 * @throws {StatsError} INVALID_UNITS, INVALID_TRAFFIC, INVALID_SHARE
 */
export function plannedDuration(options: PlannedDurationOptions): PlannedDuration | NotEstimable {
	const { units, newUnitsPerDay, enrolledShare = 1, maturationDays = 0, fullWeeks = true } = options;
	requireArgument(
		units > 0 && units < Number.POSITIVE_INFINITY,
		"INVALID_UNITS",
		"units",
		units,
		"a finite number > 0",
	);
	requireArgument(
		enrolledShare > 0 && enrolledShare <= 1,
		"INVALID_SHARE",
		"enrolledShare",
		enrolledShare,
		"a number in (0, 1]",
	);
	requireArgument(
		Number.isInteger(maturationDays) && maturationDays >= 0,
		"INVALID_TRAFFIC",
		"maturationDays",
		maturationDays,
		"an integer ≥ 0",
	);
	requireArgument(newUnitsPerDay.length > 0, "INVALID_TRAFFIC", "newUnitsPerDay", "[]", "at least one day");
	newUnitsPerDay.forEach((day, index) => {
		requireArgument(
			day >= 0 && day < Number.POSITIVE_INFINITY,
			"INVALID_TRAFFIC",
			`newUnitsPerDay[${index}]`,
			day,
			"a finite number ≥ 0",
		);
	});
	let [enrolled, enrollmentDays] = [0, 0];
	// A hair less will do: 10 × 0.1 is below 1.
	while (enrolled < units * (1 - 1e-12)) {
		if (enrollmentDays === LONGEST_DAYS) {
			return notEstimable("out-of-reach", `In ten years ${Math.floor(enrolled)} of ${units} units would be enrolled.`);
		}
		enrolled += enrolledShare * (newUnitsPerDay[enrollmentDays] ?? newUnitsPerDay.at(-1)!);
		enrollmentDays++;
	}
	const days = enrollmentDays + maturationDays;
	return { kind: "estimated", days: fullWeeks ? 7 * Math.ceil(days / 7) : days, enrollmentDays };
}
