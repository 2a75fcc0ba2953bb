/** Of a quantile: where its cells start, and the sums of each. */
export type CellTuple = [cells: (string | number)[], counts: string[], squares: string[], products: string[]];

/** Sums of all metrics over the units of one state, arm and day of first exposure, as a statement gives them. */
export interface TotalsRow {
	state: "counted" | "excluded" | "immature";
	arm: string;
	day: string;
	newest_call_us: string | null;
	newest_event_us: string | null;
	units: string;
	calls: string;
	undelivered_calls: string;
	quarantined_calls: string;
	error_types: [string[], (string | number)[]];
	[column: `metric_${number}`]: string[];
	[column: `cells_${number}`]: CellTuple;
}
