import type { Connection } from "../connection.ts";
import { ENVIRONMENT } from "../metrics/evidence-sql.ts";
import type { MeasuredMetrics } from "../metrics/metric-totals-sql.ts";
import type { Query } from "../queries/query.ts";
import type { EvidenceKey } from "../store.ts";
import type { Seal } from "./seal.ts";
import { OF_SEAL } from "./seal-sql.ts";
import { cellsOfUnits } from "./unit-cells-sql.ts";
import { unitTerms } from "./unit-terms.ts";
import { TotalsByStratum, totalsOfRows, type UnitTotalsRow, withStrata } from "./unit-totals.ts";
import { type UnitRows, unitTotalsSql } from "./unit-totals-sql.ts";

const COLUMNS = [
	...["seal", "environment", "state", "arm", "day", "newest_call_us", "newest_event_us"],
	...["summed", "keys", "sums", "sealed_at"],
] as const;

/** All units of a seal that have one environment. */
const SEALED_UNITS: UnitRows = {
	apart: "environment",
	sums: `SELECT * FROM unit_sums WHERE ${OF_SEAL}`,
	cells: ({ position }) =>
		cellsOfUnits(
			"environment, variants_seen, variant, exposure_us",
			`SELECT environment, variants_seen, toString(variant) AS variant, exposure_us, cells[${position}] AS stored FROM unit_sums WHERE ${OF_SEAL}`,
		),
};

/** Writes the totals of a seal's units, once all of these are written. @returns what is summed */
export async function writeSealTotals(
	connection: Connection,
	measured: MeasuredMetrics,
	seal: Pick<Seal, "seal" | "positions">,
	sealedAt: number,
): Promise<readonly string[]> {
	const rows = await connection.query<UnitTotalsRow>(unitTotalsSql(measured, seal, SEALED_UNITS), {
		...{ seal: seal.seal, environment: "" },
	});
	const lines = [...Map.groupBy(withStrata(rows), ({ apart }) => apart)].flatMap(([environment, ofEnvironment]) =>
		totalsOfRows(measured, ofEnvironment)
			.strata()
			.flatMap(({ state, arm, day, newestCallUs, newestEventUs, sums }) =>
				[...sums].map(([summed, byKey]) => [
					...[
						seal.seal,
						environment,
						state,
						arm,
						day,
						newestCallUs?.toString() ?? null,
						newestEventUs?.toString() ?? null,
					],
					...[summed, [...byKey.keys()], [...byKey.values()].map((values) => values.map(String)), sealedAt],
				]),
			),
	);
	if (lines.length > 0) {
		const body = Buffer.from(lines.map((line) => JSON.stringify(line)).join("\n"));
		await connection.insert({ table: "seal_totals", columns: COLUMNS, body });
	}
	return unitTerms(measured).needed;
}

/** Totals of all sealed units with one environment, that of the key or none. */
export async function readSealTotals(
	query: Query,
	{ environment = "" }: EvidenceKey,
	measured: MeasuredMetrics,
	seal: Seal,
): Promise<TotalsByStratum> {
	const rows = await query<{
		state: string;
		arm: string;
		day: string;
		call_us: string | null;
		event_us: string | null;
		summed: string;
		keys: string[];
		texts: string[][];
	}>(
		`SELECT state, arm, day, toString(newest_call_us) AS call_us, toString(newest_event_us) AS event_us, summed, keys,
    arrayMap(each -> arrayMap(sum -> toString(sum), each), sums) AS texts
FROM seal_totals
WHERE seal = {seal:String} AND summed IN {needed:Array(String)} AND ${ENVIRONMENT}
SETTINGS max_execution_time = 60`,
		{ seal: seal.seal, environment, needed: unitTerms(measured).needed },
	);
	const totals = new TotalsByStratum();
	for (const { summed, keys, texts, call_us: callUs, event_us: eventUs, ...stratum } of rows) {
		totals.newer(stratum, callUs === null ? null : BigInt(callUs), eventUs === null ? null : BigInt(eventUs));
		totals.add(
			stratum,
			summed,
			keys.map((key, index) => [key, (texts[index] ?? []).map(BigInt)]),
			1n,
		);
	}
	return totals;
}
