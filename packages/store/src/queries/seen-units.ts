import { sqlFile } from "../sql-file.ts";
import type { SeenUnitIds, SeenUnitsFilter } from "../store.ts";
import { microsOfDate, type Query } from "./query.ts";

const SQL = sqlFile("queries", "seen-units.sql");

export async function seenUnits(
	query: Query,
	{ unit, since, limit, environment = "" }: SeenUnitsFilter,
): Promise<SeenUnitIds> {
	// One more than is wanted says whether there are more.
	const parameters = { unit_type: unit, since_us: microsOfDate(since), limit: limit + 1, environment };
	const [row] = await query<{ hashed: string; units: string[] }>(SQL, parameters);
	const units = row?.units ?? [];
	return { units: units.slice(0, limit), truncated: units.length > limit, hashed: Number(row?.hashed ?? 0) };
}
