import fc from "fast-check";
import { expect, it } from "vitest";
import { murmur3, saltedMurmur3 } from "./murmur3.ts";
import { routableUnitId } from "./routable-unit-id.ts";
import { UnitId } from "./unit-id.ts";

it("packs the routable form of every id, one after another", () => {
	const unit = new UnitId();
	const nearTheEdges = fc.string({
		unit: fc.constantFrom("\u0000", "\u001f", " ", "a", "~", "\u007f", "\u0080", "ÿ", "Ā", "\uffff"),
	});
	fc.assert(
		fc.property(
			fc.oneof(fc.string({ unit: "binary", maxLength: 400 }), fc.string(), nearTheEdges),
			fc.string({ maxLength: 5 }),
			(id, salt) => {
				unit.load(id);
				const routable = routableUnitId(id);
				expect(unit.length).toBe(routable.length);
				expect(saltedMurmur3(salt)(unit) >>> 0).toBe(murmur3(salt + routable));
			},
		),
		{ numRuns: 2_000 },
	);
});

it("tells every character apart at every place", () => {
	const unit = new UnitId();
	for (let code = 0; code < 0x300; code++) {
		for (const place of [0, 1, 2, 3, 4, 5, 6]) {
			const id = `${"a".repeat(place)}${String.fromCharCode(code)}${"a".repeat(6 - place)}`;
			unit.load(id);
			const first = place === 6 ? 0x21 : 0x20;
			expect(unit.length).toBe(code >= first && code <= 0x7e ? 7 : 64);
		}
	}
});

it("takes what is no id for no unit, and a number for its text", () => {
	const unit = new UnitId();
	unit.load("user");
	for (const id of [undefined, null, 7.5, Number.NaN, 2 ** 53, {}, "", true, "x".repeat(1001), "ü".repeat(1001)]) {
		unit.load(id);
		expect([unit.length, unit.text]).toEqual([0, ""]);
	}
	unit.load(-70123);
	expect([unit.length, unit.text]).toEqual([6, "-70123"]);
	unit.load("x".repeat(1000));
	expect(unit.length).toBe(1000);
});
