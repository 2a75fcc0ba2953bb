import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ReferencedCall, ReferenceSigner } from "./reference.ts";

const KEY = "0123456789abcdef0123456789abcdef";
const CALL: ReferencedCall = {
	attributes: {
		"gen_ai.prompt.name": "billing/refund-reply",
		"gen_ai.prompt.version": "1.4.0",
		"feature_flag.key": "billing/refund-reply",
		"feature_flag.result.variant": "polite.treatment",
		"armspan.enrolled": true,
		"armspan.experiment": "polite",
		"armspan.iteration": 3,
		"armspan.unit.type": "user",
		"armspan.unit.id": "9f".repeat(32),
		"armspan.routing.revision": 17,
	},
	span: { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" },
};
const NOW = Date.UTC(2026, 10, 20);
const at = (ms: number, keys: readonly string[] = [KEY]) => new ReferenceSigner(keys, () => ms);
const reference = at(NOW).sign("ar1", CALL, 60_000) ?? "";

describe("a reference", () => {
	it("is short, fit for an address, and gives back the assignment and the span", () => {
		expect(reference.length).toBeLessThanOrEqual(300);
		expect(encodeURIComponent(reference).length).toBeLessThanOrEqual(310);
		expect(reference).toMatch(/^[\w.~%-]+$/);
		expect(at(NOW).verify("ar1", reference)).toEqual(CALL);
	});

	it("cannot be changed, not by a byte", () => {
		const wrong = (text: string) => expect(typeof at(NOW).verify("ar1", text), text).toBe("string");
		for (let index = 0; index < reference.length; index++) {
			wrong(reference.slice(0, index));
			wrong(`${reference.slice(0, index)}${reference[index] === "a" ? "b" : "a"}${reference.slice(index + 1)}`);
		}
		wrong(reference.replace("treatment", "control"));
		wrong(`${reference}x`);
		wrong(reference.replace(/~[^~]*$/, "~"));
	});

	it("expires", () => {
		expect(at(NOW + 59_000).verify("ar1", reference)).toEqual(CALL);
		expect(at(NOW + 60_000).verify("ar1", reference)).toBe("expired");
	});

	it("is taken under an older key while keys are changed, and not under another", () => {
		const other = "f".repeat(32);
		expect(at(NOW, [other, KEY]).verify("ar1", reference)).toEqual(CALL);
		expect(at(NOW, [other]).verify("ar1", reference)).toBe("signature-wrong");
		expect(at(NOW, []).verify("ar1", reference)).toBe("no-key");
		expect(at(NOW, []).sign("ar1", CALL, 60_000)).toBeUndefined();
	});

	it("is no baggage, and baggage no reference", () => {
		expect(at(NOW).verify("ab1", reference)).toBe("malformed");
		expect(at(NOW).verify("ab1", reference.replace("ar1", "ab1"))).toBe("signature-wrong");
	});

	it("carries any unit id and says what is absent by its absence", () => {
		fc.assert(
			fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 200 }), (unitId) => {
				const call = { attributes: { "armspan.enrolled": false, "armspan.unit.id": unitId }, span: undefined };
				const text = at(NOW).sign("ar1", call, 1000) ?? "";
				expect(text).toMatch(/^[\x21-\x7e]+$/);
				expect(at(NOW).verify("ar1", text)).toEqual({
					...call,
					attributes: { "armspan.enrolled": false, "armspan.unit.id": unitId.toWellFormed() },
				});
			}),
		);
	});

	it("answers anything with a refusal", () => {
		fc.assert(fc.property(fc.anything(), (value) => typeof at(NOW).verify("ar1", value) === "string"));
		fc.assert(fc.property(fc.string(), (text) => typeof at(NOW).verify("ar1", `ar1~${text}`) === "string"));
	});
});
