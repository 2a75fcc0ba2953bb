import type { Decoded } from "../rows.ts";
import { DayBudget } from "./record-fields.ts";
import { RecordRefused } from "./record-refused.ts";

/** Rows of the request that is being decoded, and what was refused of it. */
export class Decoding<Row extends { Timestamp: string }> {
	readonly #rows: Row[] = [];
	readonly #days = new DayBudget();
	#rejected = 0;
	#rejectedReason: string | undefined;

	/** Keeps the row that `decode` returns, or counts the record as refused. */
	record(decode: () => Row): void {
		try {
			const row = decode();
			this.#days.spend(row.Timestamp);
			this.#rows.push(row);
		} catch (error) {
			if (!(error instanceof RecordRefused)) {
				throw error;
			}
			this.#rejected += 1;
			this.#rejectedReason ??= error.message;
		}
	}

	result(): Decoded<Row> {
		const result: Decoded<Row> = { rows: this.#rows, rejected: this.#rejected };
		if (this.#rejectedReason !== undefined) {
			result.rejectedReason = this.#rejectedReason;
		}
		return result;
	}
}
