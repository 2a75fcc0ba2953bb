import { describe, expect, it } from "vitest";
import { studentTestPower } from "./student-test-power.ts";
import { fixture } from "./test-support/fixture.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

const { tPower } = fixture<{
	tPower: { effect: number; control: number; treatment: number; alpha: number; power: number }[];
}>("fixed-horizon");

/** Cohen's d of two arms of equal spread, as a noncentrality. */
function noncentrality(d: number, control: number, treatment: number): number {
	return d * Math.sqrt((control * treatment) / (control + treatment));
}

describe("studentTestPower", () => {
	it("gives pwr-t-two-sample", () => {
		const { inputs, expected } = statOracle("pwr-t-two-sample");
		inputs.cases.forEach(
			({ d, n1, n2, alpha, alt }: { d: number; n1: number; n2: number; alpha: number; alt: string }, i: number) => {
				const power = studentTestPower(noncentrality(d, n1, n2), n1 + n2 - 2, alpha, alt === "two-sided" ? 2 : 1);
				expect(Math.abs(power - expected[i])).toBeLessThan(1e-11);
			},
		);
	});

	it.each(tPower)("agrees with statsmodels for $effect, $control and $treatment units, $alpha", (reference) => {
		const { effect, control, treatment, alpha, power } = reference;
		const actual = studentTestPower(noncentrality(effect, control, treatment), control + treatment - 2, alpha, 2);
		expect(Math.abs(actual - power)).toBeLessThan(1e-11);
	});

	it("is alpha without an effect, and the normal's power for many degrees of freedom", () => {
		for (const degreesOfFreedom of [1, 1.5, 2, 7, 1e3, 1e9, 1e12, Number.POSITIVE_INFINITY]) {
			expect(studentTestPower(0, degreesOfFreedom, 0.05, 2)).toBeCloseTo(0.05, 9);
			expect(studentTestPower(0, degreesOfFreedom, 0.7, 1)).toBeCloseTo(0.7, 8);
		}
		expect(studentTestPower(2.8, 1e9, 0.05, 2)).toBeCloseTo(studentTestPower(2.8, 1e11, 0.05, 2), 8);
	});

	it("counts the wrong side only for two", () => {
		expect(studentTestPower(-3, 50, 0.05, 2)).toBeCloseTo(studentTestPower(3, 50, 0.05, 2), 12);
		expect(studentTestPower(-3, 50, 0.05, 1)).toBeLessThan(1e-5);
	});
});
