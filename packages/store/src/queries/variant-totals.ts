import { sqlFile } from "../sql-file.ts";
import type { EvidenceKey, RatioMoments, TotalledMetric, VariantTotals } from "../store.ts";
import { dateOfMicros, type Query, untilRevisionParameter } from "./query.ts";

const SQL = sqlFile("queries", "variant-totals.sql");

/** [units, Σy, Σn, Σy², Σn², Σyn] as text. */
type Sums = [string, string, string, string, string, string];

interface Row {
	variant: string;
	newest_call_us: string | null;
	units: string;
	total_calls: string;
	undelivered_calls: string;
	error_rate: Sums;
	latency: Sums;
	cost: Sums;
	feedback: Sums;
	conversion: Sums;
}

/** What the stored integers are divided by to give the unit of the schema's METRICS. */
const SCALES: Readonly<Record<TotalledMetric, number>> = {
	"error-rate": 1,
	latency: 1_000,
	cost: 1_000_000_000,
	feedback: 1_000_000,
	conversion: 1,
};

export async function variantTotals(query: Query, key: EvidenceKey): Promise<VariantTotals> {
	const rows = await query<Row>(SQL, {
		experiment: key.experiment,
		iteration: key.iteration,
		environment: key.environment ?? "",
		until_revision: untilRevisionParameter(key.untilRevision),
	});
	const totals: VariantTotals = { excludedUnits: 0, newestCallAt: null, variants: [] };
	for (const row of rows) {
		if (row.variant === "") {
			totals.excludedUnits = Number(row.units);
			continue;
		}
		const newest = dateOfMicros(row.newest_call_us);
		if (newest && (totals.newestCallAt === null || newest > totals.newestCallAt)) {
			totals.newestCallAt = newest;
		}
		totals.variants.push({
			variant: row.variant,
			units: Number(row.units),
			calls: Number(row.total_calls),
			undeliveredCalls: Number(row.undelivered_calls),
			metrics: {
				"error-rate": moments("error-rate", row.error_rate),
				latency: moments("latency", row.latency),
				cost: moments("cost", row.cost),
				feedback: moments("feedback", row.feedback),
				conversion: moments("conversion", row.conversion),
			},
		});
	}
	return totals;
}

function moments(metric: TotalledMetric, [units, sumY, sumN, sumYY, sumNN, sumYN]: Sums): RatioMoments {
	return {
		units: Number(units),
		sumY: BigInt(sumY),
		sumN: BigInt(sumN),
		sumYY: BigInt(sumYY),
		sumNN: BigInt(sumNN),
		sumYN: BigInt(sumYN),
		scale: SCALES[metric],
	};
}
