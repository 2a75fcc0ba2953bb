const ITERATIONS = 200;

/**
 * Where a monotone function crosses 0, between `low` and `high`, which must lie on different sides of it; to the last
 * few bits. By Chandrupatla's mixture of bisection and inverse quadratic interpolation.
 *
 * @see Chandrupatla 1997, Advances in Engineering Software 28(3)
 */
export function monotoneRoot(difference: (argument: number) => number, low: number, high: number): number {
	let [newest, opposite, previous] = [low, high, high];
	let [atNewest, atOpposite] = [difference(low), difference(high)];
	let atPrevious = atOpposite;
	if (atNewest === 0) return low;
	if (atOpposite === 0) return high;
	if (Math.sign(atNewest) === Math.sign(atOpposite)) {
		throw new RangeError(`no sign change between ${low} (${atNewest}) and ${high} (${atOpposite})`);
	}
	let step = 0.5;
	for (let iteration = 0; iteration < ITERATIONS; iteration++) {
		const tried = newest + step * (opposite - newest);
		const atTried = difference(tried);
		if (atTried === 0) return tried;
		if (Math.sign(atTried) === Math.sign(atNewest)) {
			[previous, atPrevious] = [newest, atNewest];
		} else {
			[previous, atPrevious] = [opposite, atOpposite];
			[opposite, atOpposite] = [newest, atNewest];
		}
		[newest, atNewest] = [tried, atTried];
		const nearest = Math.abs(atNewest) < Math.abs(atOpposite) ? newest : opposite;
		const tolerance = (2 * Number.EPSILON * Math.abs(nearest) + 1e-300) / Math.abs(opposite - newest);
		if (tolerance > 0.5) return nearest;
		const xi = (newest - opposite) / (previous - opposite);
		const phi = (atNewest - atOpposite) / (atPrevious - atOpposite);
		step =
			phi ** 2 < xi && (1 - phi) ** 2 < 1 - xi
				? (atNewest / (atOpposite - atNewest)) * (atPrevious / (atOpposite - atPrevious)) +
					((previous - newest) / (opposite - newest)) *
						(atNewest / (atPrevious - atNewest)) *
						(atOpposite / (atPrevious - atOpposite))
				: 0.5;
		if (!(step > tolerance)) step = tolerance;
		if (step > 1 - tolerance) step = 1 - tolerance;
	}
	return newest;
}
