import { sqlFile } from "../sql-file.ts";
import type { StrayUnits, StrayUnitsKey } from "../store.ts";
import { closedParameter, type Query, untilRevisionParameter } from "./query.ts";

const SEEN_VARIANTS = sqlFile("queries", "seen-variants.sql");
const STRAY_UNITS = sqlFile("queries", "stray-units.sql");

type Counts = [variants: string[], units: (string | number)[]];

interface Row {
	units: string;
	only_unknown_units: string;
	units_of: Counts;
	known_units_of: Counts;
}

/** The second statement reads every unit; it is asked only where the first, which reads none, finds something. */
export async function strayUnits(query: Query, key: StrayUnitsKey): Promise<StrayUnits> {
	const parameters = { experiment: key.experiment, iteration: key.iteration };
	const seen = await query<{ variant: string }>(SEEN_VARIANTS, parameters);
	if (seen.every(({ variant }) => key.variants.includes(variant))) return NONE;
	const [row] = await query<Row>(STRAY_UNITS, {
		...parameters,
		environment: key.environment ?? "",
		until_revision: untilRevisionParameter(key.untilRevision),
		closed_us: closedParameter(key.closedAt),
		variants: key.variants,
	});
	if (row === undefined) return NONE;
	const [names, units] = row.units_of;
	// sumMap leaves out keys whose sum is 0
	const [knownNames, knownUnits] = row.known_units_of;
	const crossing = new Map(knownNames.map((name, index) => [name, Number(knownUnits[index])]));
	return {
		units: Number(row.units),
		onlyUnknownUnits: Number(row.only_unknown_units),
		variants: names
			.map((variant, index) => ({
				...{ variant, units: Number(units[index]), unitsInKnown: crossing.get(variant) ?? 0 },
			}))
			.sort((a, b) => b.units - a.units || (a.variant < b.variant ? -1 : 1)),
	};
}

const NONE: StrayUnits = { units: 0, onlyUnknownUnits: 0, variants: [] };
