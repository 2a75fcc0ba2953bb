import { type NotEstimable, type QuantileEstimate, quantileEstimate, quantileRanks } from "@armspan/stats";

/** One arm's calls, kept sorted while they come in, with the units that made them. */
export class QuantileArm {
	readonly callsOf: Int32Array;
	private values = new Float64Array(0);
	private unitOf = new Int32Array(0);
	private batch: { value: number; unit: number }[] = [];

	constructor(units: number) {
		this.callsOf = new Int32Array(units);
	}

	add(unit: number, value: number): void {
		this.batch.push({ value, unit });
		this.callsOf[unit]!++;
	}

	/** Estimate from all calls so far; `clustered` false takes each of them for a unit. */
	estimate(level: number, clustered = true): QuantileEstimate | NotEstimable {
		this.merge();
		const observations = this.values.length;
		const ranks = quantileRanks(observations, level);
		if ("kind" in ranks) return ranks;
		const at = this.values[ranks.at - 1]!;
		const below = new Int32Array(this.callsOf.length);
		// Sorted and continuous: the calls at or below it are the first ones.
		for (let call = 0; call < ranks.at; call++) below[this.unitOf[call]!]!++;
		const sums = { units: 0, sumY: ranks.at, sumN: observations, sumYY: 0, sumNN: 0, sumYN: 0 };
		for (let unit = 0; unit < below.length; unit++) {
			const [y, n] = [below[unit]!, this.callsOf[unit]!];
			if (n > 0) sums.units++;
			sums.sumYY += y * y;
			sums.sumNN += n * n;
			sums.sumYN += y * n;
		}
		const asUnits = { units: observations, sumY: ranks.at, sumN: observations };
		const unclustered = { ...asUnits, sumYY: ranks.at, sumNN: observations, sumYN: ranks.at };
		const orderStatistics = { lower: this.values[ranks.lower - 1]!, at, upper: this.values[ranks.upper - 1]! };
		return quantileEstimate({ orderStatistics, below: clustered ? sums : unclustered }, level);
	}

	private merge(): void {
		if (this.batch.length === 0) return;
		const fresh = this.batch.sort((left, right) => left.value - right.value);
		const length = this.values.length + fresh.length;
		const [values, unitOf] = [new Float64Array(length), new Int32Array(length)];
		for (let to = 0, old = 0, next = 0; to < length; to++) {
			const takeOld = next >= fresh.length || (old < this.values.length && this.values[old]! <= fresh[next]!.value);
			values[to] = takeOld ? this.values[old]! : fresh[next]!.value;
			unitOf[to] = takeOld ? this.unitOf[old++]! : fresh[next++]!.unit;
		}
		this.values = values;
		this.unitOf = unitOf;
		this.batch = [];
	}
}
