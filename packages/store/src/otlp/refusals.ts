import { OTLP_LIMITS } from "./limits.ts";
import { RecordRefused } from "./record-refused.ts";

/** Counts the records of a request, and those that are refused one by one. */
export class Refusals {
	rejected = 0;
	#records = 0;
	#reason: string | undefined;

	/**
	 * @returns whether the record was taken; anything but a RecordRefused is thrown on
	 * @throws {RangeError} on a record too many
	 */
	attempt(record: () => void): boolean {
		this.#records += 1;
		if (this.#records > OTLP_LIMITS.records) {
			throw new RangeError(`more than ${OTLP_LIMITS.records} records`);
		}
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
