import type { Decoded } from "../rows.ts";
import { DayBudget } from "./record-fields.ts";
import { Refusals } from "./refusals.ts";

/** Rows of the request that is being decoded, and what was refused of it. */
export class Decoding<Row extends { Timestamp: string }> {
	readonly #rows: Row[] = [];
	readonly #days = new DayBudget();
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
			this.#days.spend(row.Timestamp);
			this.#keep(row);
		});
	}

	result(): Decoded<Row> {
		return { rows: this.#rows, ...this.#refusals.result() };
	}
}
