/** What a number of repetitions came to, by name; adds up over parts. */
export interface Tallied {
	readonly sums: Record<string, Sum>;
	/** Values kept one by one, for medians. */
	readonly values: Record<string, number[]>;
}

export interface Sum {
	/** Of things that happened or did not. */
	readonly share: boolean;
	count: number;
	sum: number;
	sumOfSquares: number;
}

export class Tally {
	readonly tallied: Tallied = { sums: {}, values: {} };

	/** A number of which the mean is asked for. */
	add(name: string, value: number): void {
		this.#add(name, value, false);
	}

	/** Something that happened in this repetition, or did not. */
	count(name: string, happened: boolean): void {
		this.#add(name, happened ? 1 : 0, true);
	}

	/** A number of which quantiles are asked for. */
	keep(name: string, value: number): void {
		this.tallied.values[name] ??= [];
		this.tallied.values[name].push(value);
	}

	#add(name: string, value: number, share: boolean): void {
		this.tallied.sums[name] ??= { share, count: 0, sum: 0, sumOfSquares: 0 };
		const of = this.tallied.sums[name];
		of.count++;
		of.sum += value;
		of.sumOfSquares += value * value;
	}
}

/** Sums of parts, in their order, so that the last bit does not depend on who was faster. */
export function mergeTallied(parts: readonly Tallied[]): Tallied {
	const merged: Tallied = { sums: {}, values: {} };
	for (const { sums, values } of parts) {
		for (const [name, { share, count, sum, sumOfSquares }] of Object.entries(sums)) {
			merged.sums[name] ??= { share, count: 0, sum: 0, sumOfSquares: 0 };
			const of = merged.sums[name];
			of.count += count;
			of.sum += sum;
			of.sumOfSquares += sumOfSquares;
		}
		for (const [name, kept] of Object.entries(values)) {
			merged.values[name] ??= [];
			merged.values[name].push(...kept);
		}
	}
	return merged;
}
