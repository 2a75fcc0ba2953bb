import type { TreatmentVerdict, VerdictReason } from "@armspan/schema";
import { expect, test } from "vitest";
import { experimentOf } from "./test-support.ts";
import { moreToCome, type VerdictInputs, verdict } from "./verdict.ts";

const reason = (rule: VerdictReason["rule"], variant: string | null): VerdictReason => ({
	rule,
	variant,
	metric: rule.startsWith("guardrail-") ? "error-rate" : null,
	message: `${rule}.`,
});
const treatment = (
	variant: string,
	kind: TreatmentVerdict["kind"],
	...rules: VerdictReason["rule"][]
): TreatmentVerdict => ({ variant, kind, reasons: rules.map((rule) => reason(rule, variant)) });
const verdictOf = (treatments: TreatmentVerdict[], changes: Partial<VerdictInputs> = {}) =>
	verdict({
		experiment: experimentOf(),
		status: "running",
		units: 4000,
		treatments,
		decisions: [],
		routedAfterHalt: [],
		...changes,
	});

const halt = treatment("a", "halt", "guardrail-breached");
const invalid = treatment("b", "invalid", "prompt-undelivered");
const ship = treatment("c", "ship", "all-requirements-shown");
const open = treatment("d", "keep-running", "primary-undecided");
const inconclusive = treatment("e", "inconclusive", "primary-undecided");

test.each([
	["halt", [inconclusive, open, ship, invalid, halt]],
	["invalid", [inconclusive, open, ship, invalid]],
	["ship", [inconclusive, open, ship]],
	["keep-running", [inconclusive, open]],
	["inconclusive", [inconclusive]],
] satisfies [string, TreatmentVerdict[]][])("%s is what matters most", (kind, treatments) => {
	const found = verdictOf(treatments);
	expect(found.kind).toBe(kind);
	expect(found.treatments).toEqual(treatments);
	expect(found.reasons[0]?.variant).toBe(treatments.at(-1)?.variant);
	expect(found.reasons.length).toBe(treatments.length);
});

test("what was done and what is missing come before what treatments show", () => {
	expect(verdictOf([halt], { status: "halted" })).toMatchObject({
		kind: "halted",
		sentence: "Halted by a person. Everybody gets control.",
		reasons: [{ rule: "halted", variant: null }],
		treatments: [halt],
	});
	expect(verdictOf([open], { units: 0 })).toMatchObject({ kind: "no-data", reasons: [{ rule: "no-data" }] });
	expect(verdictOf([open], { units: 0, status: "halted" }).kind).toBe("halted");
});

test("a sentence speaks of those that decide, and only of what is shown", () => {
	const sentence = (treatments: TreatmentVerdict[], changes: Partial<VerdictInputs> = {}) =>
		verdictOf(treatments, changes).sentence;
	const better = treatment("warm", "keep-running", "guardrail-inconclusive");
	expect(sentence([halt, { ...halt, variant: "z" }, ship])).toBe(
		"a, z are worse than tolerated in error-rate. Stop it.",
	);
	expect(sentence([treatment("a", "halt", "primary-worse")], { status: "stopped" })).toBe(
		"a is worse than control in feedback. Do not ship it.",
	);
	expect(sentence([ship], { experiment: experimentOf({ guardrails: [] }) })).toBe(
		"c may be shipped: better than control in feedback.",
	);
	expect(sentence([better, open])).toMatch(/^warm is better than control in feedback, but not everything/);
	expect(sentence([open, treatment("f", "keep-running", "primary-unmeasured")])).toMatch(/^No difference in feedback/);
	expect(sentence([{ ...better, kind: "inconclusive" }], { status: "stopped" })).toBe(
		"Iteration 1 is not running: warm is better than control in feedback, but not everything that shipping asks for was shown.",
	);
	expect(sentence([invalid])).toMatch(/^A variant's prompt did not reach the model/);
	expect(sentence([treatment("b", "invalid", "sample-ratio-mismatch", "prompt-undelivered")])).toMatch(
		/^Assignment is broken/,
	);
});

test("the planned units are a reason only where they ended the wait", () => {
	const rules = (treatments: TreatmentVerdict[], changes: Partial<VerdictInputs>) =>
		verdictOf(treatments, changes).reasons.map(({ rule }) => rule);
	expect(rules([inconclusive, treatment("f", "inconclusive", "primary-undecided")], { units: 10_000 })).toEqual([
		"planned-units-reached",
		"primary-undecided",
		"primary-undecided",
	]);
	expect(rules([ship], { units: 10_000 })).toEqual(["all-requirements-shown"]);
	expect(rules([inconclusive], { units: 10_000, status: "stopped" })).toEqual(["primary-undecided"]);
});

test("units may still come while it runs and fewer came than planned", () => {
	const experiment = experimentOf({ plannedUnits: 500 });
	expect(moreToCome({ experiment, status: "running", units: 499 })).toBe(true);
	expect(moreToCome({ experiment, status: "running", units: 500 })).toBe(false);
	for (const status of ["draft", "stopped", "halted"] as const) {
		expect(moreToCome({ experiment, status, units: 1 })).toBe(false);
	}
});
