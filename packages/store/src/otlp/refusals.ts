import { RecordRefused } from "./record-refused.ts";

/** Counts the records of a request that are refused one by one. */
export class Refusals {
	rejected = 0;
	#reason: string | undefined;

	/** @returns whether the record was taken; anything but a RecordRefused is thrown on */
	attempt(record: () => void): boolean {
		try {
			record();
			return true;
		} catch (error) {
			if (!(error instanceof RecordRefused)) {
				throw error;
			}
			this.rejected += 1;
			this.#reason ??= error.message;
			return false;
		}
	}

	result(): { rejected: number; rejectedReason?: string } {
		return {
			rejected: this.rejected,
			...(this.#reason === undefined ? {} : { rejectedReason: this.#reason }),
		};
	}
}
