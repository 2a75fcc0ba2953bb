import { requireArgument } from "./stats-error.ts";

/** Sums over units by name: all `number`, rounded like any floating-point sum, or all `bigint`, exact. */
export type AdditiveSums<Key extends string, Quantity extends number | bigint = number | bigint> = {
	readonly [Name in Key]: Quantity;
};

/**
 * Sums of the units of all parts together; the parts must not share a unit.
 *
 * @throws {StatsError} MIXED_QUANTITIES when `number` and `bigint` meet
 */
export function mergeAdditiveSums<Sums>(
	keys: readonly (keyof Sums & string)[],
	parts: readonly [Sums, ...Sums[]],
): Sums {
	const [first, ...rest] = parts as readonly AdditiveSums<string>[];
	const merged: Record<string, number | bigint> = {};
	for (const key of keys) {
		merged[key] = rest.reduce<number | bigint>((total, part) => add(total, part[key]!, key), first![key]!);
	}
	return merged as Sums;
}

function add(left: number | bigint, right: number | bigint, field: string): number | bigint {
	if (typeof left === "bigint" && typeof right === "bigint") return left + right;
	if (typeof left === "number" && typeof right === "number") return left + right;
	requireArgument(false, "MIXED_QUANTITIES", field, right, `a ${typeof left} as in the other sums`);
	return left;
}

/** @throws {StatsError} MIXED_QUANTITIES unless all sums are numbers, or all are bigints */
export function requireOneQuantity<Key extends string>(
	sums: AdditiveSums<Key>,
	keys: readonly [Key, ...Key[]],
	field: string,
): void {
	const [first] = keys;
	const type = typeof sums[first] === "bigint" ? "bigint" : "number";
	for (const key of keys) {
		requireArgument(
			typeof sums[key] === type,
			"MIXED_QUANTITIES",
			`${field}.${key}`,
			sums[key],
			`a ${type} like ${first}`,
		);
	}
}

/** The sums as integers, or `null` where a `number` among them may have been rounded already. */
export function exactSums<Key extends string>(
	sums: AdditiveSums<Key>,
	keys: readonly Key[],
): AdditiveSums<Key, bigint> | null {
	const exact = {} as Record<Key, bigint>;
	for (const key of keys) {
		const sum = sums[key];
		if (typeof sum === "number" && !Number.isSafeInteger(sum)) return null;
		exact[key] = BigInt(sum);
	}
	return exact;
}

/** No sum is NaN or infinite. */
export function areFinite<Key extends string>(sums: AdditiveSums<Key>, keys: readonly Key[]): boolean {
	return keys.every((key) => typeof sums[key] === "bigint" || Number.isFinite(sums[key]));
}
