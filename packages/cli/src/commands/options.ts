import { InvalidArgumentError } from "commander";

/** A whole number in a range, or a usage error that names it. */
export function integerBetween(low: number, high: number): (text: string) => number {
	return (text) => {
		const value = Number(text);
		if (!/^\d+$/.test(text) || value < low || value > high) {
			throw new InvalidArgumentError(`expected a whole number from ${low} to ${high}, found "${text}"`);
		}
		return value;
	};
}
