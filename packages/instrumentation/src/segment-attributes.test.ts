import { describe, expect, test } from "vitest";
import { segmentAttributes } from "./segment-attributes.ts";

describe("segmentAttributes", () => {
	test("of the named attributes, categories only", () => {
		const given = { plan: "pro", country: "Côte d-Ivoire", seats: 12, trial: false, email: "ada@example.org" };
		expect(segmentAttributes(["plan", "country", "seats", "trial", "missing"], given)).toEqual({
			...{ "armspan.segment.plan": "pro", "armspan.segment.country": "Côte d-Ivoire" },
			...{ "armspan.segment.seats": "12", "armspan.segment.trial": "false" },
		});
	});

	test.each([
		["an address", "ada@example.org"],
		["a sentence", "please help me with my order"],
		["a long text", "x".repeat(65)],
		["several lines", "pro\nplus"],
		["a control character", "pro\u001b"],
		["nothing", ""],
		["no finite number", Number.NaN],
		["a list", ["pro"]],
		["null", null],
	])("%s does not leave", (_what, plan) => {
		expect(segmentAttributes(["plan"], { plan })).toEqual({});
	});

	test("what cannot be read is none, and what an object inherits is not given", () => {
		const hostile = {
			get plan(): string {
				throw new Error("no");
			},
		};
		expect(segmentAttributes(["plan", "constructor", "__proto__"], hostile)).toEqual({});
		expect(segmentAttributes(["plan"], null)).toEqual({});
		expect(segmentAttributes(["plan"], "pro")).toEqual({});
	});
});
