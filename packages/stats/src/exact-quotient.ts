/** Bits kept of a quotient before it is rounded: more than a double holds. */
const QUOTIENT_BITS = 80;

/**
 * Double nearest to numerator / denominator, to within one unit in the last place, however large both are.
 *
 * @param denominator > 0
 * @returns ±Infinity or 0 where the quotient is outside the range of a double
 */
export function exactQuotient(numerator: bigint, denominator: bigint): number {
	if (numerator < 0n) return -exactQuotient(-numerator, denominator);
	const shift = QUOTIENT_BITS - (bitLength(numerator) - bitLength(denominator));
	// Where the shift is negative, bits are dropped that no double has room for.
	const quotient = (numerator << BigInt(shift)) / denominator;
	// In two halves, since 2^-shift alone may underflow where the product does not.
	const half = Math.trunc(shift / 2);
	return Number(quotient) * 2 ** -half * 2 ** -(shift - half);
}

function bitLength(value: bigint): number {
	return value.toString(16).length * 4;
}
