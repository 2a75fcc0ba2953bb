import type { RunningSums } from "./unit-data.ts";

// What people do at home, written down apart from the package: it is compared with, not tested.

/** Difference over its standard error, each observation of these sums a unit of its own; 0 where nothing varies. */
export function naiveZ(control: RunningSums, treatment: RunningSums): number {
	const variance = naiveVariance(control) / control.units + naiveVariance(treatment) / treatment.units;
	if (!(variance > 0)) return 0;
	return (treatment.sumY / treatment.units - control.sumY / control.units) / Math.sqrt(variance);
}

function naiveVariance({ units, sumY, sumYY }: RunningSums): number {
	return (sumYY - (sumY * sumY) / units) / (units - 1);
}

const Z = 1.959963984540054;

/** Two-sided 5 % bound of Student's t by Cornish and Fisher: good to 10⁻⁴ from 30 degrees of freedom on. */
export function tTestBound(degreesOfFreedom: number): number {
	const first = (Z ** 3 + Z) / 4;
	const second = (5 * Z ** 5 + 16 * Z ** 3 + 3 * Z) / 96;
	return Z + first / degreesOfFreedom + second / degreesOfFreedom ** 2;
}
