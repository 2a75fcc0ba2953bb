import { describe, expect, it } from "vitest";
import { normalUpperTail } from "./normal-tail.ts";
import { studentTail, studentTailQuantile, twoSidedStudentTail } from "./student-tail.ts";
import { fixture, relativeError } from "./test-support/fixture.ts";

const { student } = fixture<{ student: { t: number; degreesOfFreedom: number; tail: number }[] }>("tails");

describe("studentTail", () => {
	it.each(student)("of $t with $degreesOfFreedom degrees of freedom is $tail", ({ t, degreesOfFreedom, tail }) => {
		expect(relativeError(studentTail(t, degreesOfFreedom), tail)).toBeLessThan(1e-10);
		expect(relativeError(twoSidedStudentTail(-t, degreesOfFreedom), 2 * tail)).toBeLessThan(1e-10);
		// Near the centre a quantile is only as well known as its tail.
		if (t > 0.1) expect(relativeError(studentTailQuantile(tail, degreesOfFreedom), t)).toBeLessThan(1e-10);
	});

	it("is the normal tail for infinitely many degrees of freedom", () => {
		expect(studentTail(1.5, Number.POSITIVE_INFINITY)).toBe(normalUpperTail(1.5));
		expect(studentTailQuantile(0.025, Number.POSITIVE_INFINITY)).toBeCloseTo(1.959963984540054, 12);
	});

	it("comes back from its quantile, on either side of the change of method", () => {
		for (const degreesOfFreedom of [1, 2.5, 40, 999_999, 1_000_001, 1e9, 1e12]) {
			for (const tail of [0.499, 0.3, 0.025, 1e-6, 1e-12]) {
				const there = studentTailQuantile(tail, degreesOfFreedom);
				expect(relativeError(studentTail(there, degreesOfFreedom), tail)).toBeLessThan(1e-9);
			}
		}
	});
});
