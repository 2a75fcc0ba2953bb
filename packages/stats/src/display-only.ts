import { StatsError } from "./stats-error.ts";

/**
 * A number for people to read, and not for programs to decide by: it prints, and it can be sent to a page, but it does
 * not compare. `chance > 0.95` is an error of the compiler, and at run time a `StatsError`.
 */
export class DisplayOnly {
	readonly #value: number;

	constructor(value: number) {
		this.#value = value;
	}

	/** As decimals. */
	toFixed(digits: number): string {
		return this.#value.toFixed(digits);
	}

	/** As a percentage: 0.954 is "95.4 %". */
	toPercent(digits: number): string {
		return `${(100 * this.#value).toFixed(digits)} %`;
	}

	toString(): string {
		return String(this.#value);
	}

	/** For what is shown elsewhere. */
	toJSON(): number {
		return this.#value;
	}

	/** @throws {StatsError} DISPLAY_ONLY in arithmetic and comparisons */
	[Symbol.toPrimitive](hint: "number" | "string" | "default"): string {
		if (hint === "string") return this.toString();
		throw new StatsError(
			"DISPLAY_ONLY",
			"invalid use of a displayed number: it decides nothing; expected the p-value, interval or e-value of the same comparison",
			{ field: "value", value: this.#value },
		);
	}
}
