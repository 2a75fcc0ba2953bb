import type { Decoded } from "../rows.ts";
import { RequestBudget } from "./record-fields.ts";
import { Refusals } from "./refusals.ts";

/** What is counted of a row. */
interface CountedRow {
	Timestamp: string;
	Events?: readonly unknown[];
	Links?: readonly unknown[];
}

/** Rows of the request that is being decoded, and what was refused of it. */
export class Decoding<Row extends CountedRow> {
	readonly #rows: Row[] = [];
	readonly #budget = new RequestBudget();
	readonly #refusals = new Refusals();
	readonly #keep: (row: Row) => void;

	/** @param keep takes the rows one by one, so that they need not be there all at once */
	constructor(keep: (row: Row) => void = (row) => this.#rows.push(row)) {
		this.#keep = keep;
	}

	/** Keeps the row that `decode` returns, or counts the record as refused. */
	record(decode: () => Row): void {
		this.#refusals.attempt(() => {
			const row = decode();
			this.#budget.spend(row.Timestamp, (row.Events?.length ?? 0) + (row.Links?.length ?? 0));
			this.#keep(row);
		});
	}

	result(): Decoded<Row> {
		return { rows: this.#rows, ...this.#refusals.result() };
	}
}
