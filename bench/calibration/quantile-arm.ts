import { type NotEstimable, type QuantileEstimate, quantileEstimate, quantileRanks } from "@armspan/stats";

/** One arm's calls, kept sorted while they come in, with the units that made them. */
export class QuantileArm {
	readonly #callsOf: Int32Array;
	readonly #below: Int32Array;
	#sorted: Calls = callsFor(0);
	/** Calls since the last estimate, in the order in which they came. */
	#fresh: Calls = callsFor(256);
	#freshCalls = 0;

	constructor(units: number) {
		this.#callsOf = new Int32Array(units);
		this.#below = new Int32Array(units);
	}

	add(unit: number, value: number): void {
		if (this.#freshCalls === this.#fresh.values.length) {
			const larger = callsFor(2 * this.#freshCalls);
			larger.values.set(this.#fresh.values);
			larger.units.set(this.#fresh.units);
			this.#fresh = larger;
		}
		this.#fresh.values[this.#freshCalls] = value;
		this.#fresh.units[this.#freshCalls++] = unit;
		this.#callsOf[unit]!++;
	}

	/** Estimate from all calls so far; `clustered` false takes each of them for a unit. */
	estimate(level: number, clustered = true): QuantileEstimate | NotEstimable {
		this.#merge();
		const { values, units } = this.#sorted;
		const ranks = quantileRanks(values.length, level);
		if ("kind" in ranks) return ranks;
		const sumN = values.length;
		const orderStatistics = {
			lower: values[ranks.lower - 1]!,
			at: values[ranks.at - 1]!,
			upper: values[ranks.upper - 1]!,
		};
		// Sorted and continuous: the calls at or below it are the first ones.
		const sumY = ranks.at;
		if (!clustered) {
			const below = { units: sumN, sumY, sumN, sumYY: sumY, sumNN: sumN, sumYN: sumY };
			return quantileEstimate({ orderStatistics, below }, level);
		}
		this.#below.fill(0);
		for (let call = 0; call < ranks.at; call++) this.#below[units[call]!]!++;
		const below = { units: 0, sumY, sumN, sumYY: 0, sumNN: 0, sumYN: 0 };
		for (let unit = 0; unit < this.#below.length; unit++) {
			const [y, n] = [this.#below[unit]!, this.#callsOf[unit]!];
			if (n > 0) below.units++;
			below.sumYY += y * y;
			below.sumNN += n * n;
			below.sumYN += y * n;
		}
		return quantileEstimate({ orderStatistics, below }, level);
	}

	#merge(): void {
		if (this.#freshCalls === 0) return;
		const [old, fresh] = [this.#sorted, this.#fresh];
		const order = Uint32Array.from({ length: this.#freshCalls }, (_, call) => call);
		order.sort((left, right) => fresh.values[left]! - fresh.values[right]!);
		const merged = callsFor(old.values.length + order.length);
		for (let to = 0, from = 0, next = 0; to < merged.values.length; to++) {
			const newer = next < order.length ? order[next]! : -1;
			if (newer < 0 || (from < old.values.length && old.values[from]! <= fresh.values[newer]!)) {
				merged.values[to] = old.values[from]!;
				merged.units[to] = old.units[from++]!;
			} else {
				merged.values[to] = fresh.values[newer]!;
				merged.units[to] = fresh.units[newer]!;
				next++;
			}
		}
		this.#sorted = merged;
		this.#freshCalls = 0;
	}
}

interface Calls {
	readonly values: Float64Array;
	readonly units: Int32Array;
}

function callsFor(length: number): Calls {
	return { values: new Float64Array(length), units: new Int32Array(length) };
}
