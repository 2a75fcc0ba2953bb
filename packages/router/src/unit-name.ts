import type { UnitType } from "@armspan/schema";

interface Unit {
	readonly unit: UnitType;
	readonly unitAttribute?: string | undefined;
}

/** `user`, or `attribute accountId`. */
export function unitName({ unit, unitAttribute }: Unit): string {
	return unitAttribute === undefined ? unit : `${unit} ${unitAttribute}`;
}

/** Whether both hash the same id. */
export function isSameUnit(a: Unit, b: Unit): boolean {
	return a.unit === b.unit && a.unitAttribute === b.unitAttribute;
}
