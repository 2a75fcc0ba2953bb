import type { QueryParameters } from "../connection.ts";
import type { MeasuredMetrics } from "../metrics/metric-totals-sql.ts";
import type { TotalsRow } from "../metrics/totals-row.ts";
import type { Query } from "../queries/query.ts";
import type { EvidenceKey } from "../store.ts";
import { changedUnits } from "./changed-units-sql.ts";
import { type OpenSeal, openSeal } from "./open-seal.ts";
import { findSeal } from "./seal.ts";
import { readSealTotals } from "./seal-totals.ts";
import { unitTerms } from "./unit-terms.ts";
import { later, sumsOfRow, type TotalsByStratum, totalsRows, type UnitTotalsRow, withStrata } from "./unit-totals.ts";
import { unitTotalsSql } from "./unit-totals-sql.ts";

/** A row that arrives between the reads of a statement may count in one of them only. */
const CONSISTENT_ATTEMPTS = 3;

/**
 * The rows of `metricTotalsSql` without a window, from a seal: totals of its units, less what those with rows since were
 * sealed with, and what they are now.
 * @returns null when there is no seal, too much beside it, or no certainty
 */
export async function sealedTotals(
	query: Query,
	key: EvidenceKey,
	measured: MeasuredMetrics,
	parameters: QueryParameters,
): Promise<TotalsRow[] | null> {
	const seal = await findSeal(query, key, measured);
	const open = seal === null ? null : await openSeal(query, key, seal);
	if (open === null) return null;
	for (let attempt = 0; attempt < CONSISTENT_ATTEMPTS; attempt += 1) {
		const totals = await readSealTotals(query, key, measured, open);
		const isCertain = !open.isOpen || (await change(query, measured, open, parameters, totals));
		const rows = isCertain ? totalsRows(measured, totals) : null;
		if (rows !== null) return (await isDropped(query, open)) ? null : rows;
	}
	return null;
}

/** @returns false when the newest row may have been of a unit that does not count any more */
async function change(
	query: Query,
	measured: MeasuredMetrics,
	seal: OpenSeal,
	parameters: QueryParameters,
	totals: TotalsByStratum,
): Promise<boolean> {
	const rows = await query<UnitTotalsRow>(unitTotalsSql(measured, seal, changedUnits(measured, seal)), {
		...measured.measures.conditions.parameters,
		...{ ...parameters, seal: seal.seal, until_us: seal.untilUs },
		...(seal.stale.length === 0 ? {} : { stale: seal.stale }),
	});
	const terms = unitTerms(measured);
	const newest = { newestCallUs: totals.newest("newestCallUs"), newestEventUs: totals.newest("newestEventUs") };
	const found = { now: { call: null, event: null }, sealed: { call: null, event: null } } as Record<
		"now" | "sealed",
		{ call: bigint | null; event: bigint | null }
	>;
	for (const row of withStrata(rows)) {
		const isNow = row.apart === "1";
		const callUs = row.newest_call_us === null ? null : BigInt(row.newest_call_us);
		const eventUs = row.newest_event_us === null ? null : BigInt(row.newest_event_us);
		if (row.state === "counted") {
			const of = found[isNow ? "now" : "sealed"];
			of.call = later(of.call, callUs);
			of.event = later(of.event, eventUs);
		}
		if (isNow) totals.newer(row, callUs, eventUs);
		for (const [summed, sums] of sumsOfRow(terms, row)) totals.add(row, summed, sums, isNow ? 1n : -1n);
	}
	const isKnown = (of: "call" | "event", all: bigint | null) => {
		const { now, sealed } = found;
		return all === null || sealed[of] === null || sealed[of] < all || (now[of] !== null && now[of] >= all);
	};
	return isKnown("call", newest.newestCallUs) && isKnown("event", newest.newestEventUs);
}

/** Whether a unit was erased meanwhile: sums go after their seal does. */
async function isDropped(query: Query, { seal }: OpenSeal): Promise<boolean> {
	const [row] = await query<{ seals: string }>(
		"SELECT toString(count()) AS seals FROM unit_seals WHERE seal = {seal:String} SETTINGS max_execution_time = 10",
		{ seal },
	);
	return row?.seals === "0";
}
