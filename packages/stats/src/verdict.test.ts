import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GuardrailEvidence } from "./guardrail-status.ts";
import { notEstimable } from "./not-estimable.ts";
import { EXCLUDED_SHARE_ALARM, type VerdictEvidence, verdict } from "./verdict.ts";

const nothing = notEstimable("no-observations", "Nothing was measured.");
const passing: GuardrailEvidence = {
	harm: { kind: "estimated", logEValue: -2, logThreshold: 3 },
	nonInferiority: { kind: "estimated", pValue: 0.001 },
};
const inconclusive: GuardrailEvidence = { ...passing, nonInferiority: { kind: "estimated", pValue: 0.3 } };
const breached: GuardrailEvidence = { ...inconclusive, harm: { kind: "estimated", logEValue: 3, logThreshold: 3 } };
const unmeasured: GuardrailEvidence = { harm: nothing, nonInferiority: nothing };
const shippable: VerdictEvidence = {
	alpha: 0.05,
	moreToCome: true,
	sampleRatio: { kind: "estimated", pValue: 0.4, mismatch: false },
	excludedShare: 0,
	primary: { kind: "estimated", betterPValue: 0.01, worsePValue: 1 },
	guardrails: { latency: passing, cost: passing },
};
const mismatch = { kind: "estimated", pValue: 1e-5, mismatch: true } as const;

function codes(evidence: VerdictEvidence): string[] {
	return verdict(evidence).reasons.map(({ code, metric }) => (metric === null ? code : `${code}: ${metric}`));
}

describe("verdict", () => {
	it("ships when the primary is shown to be better and every guardrail not inferior", () => {
		expect(verdict(shippable)).toEqual({
			kind: "ship",
			reasons: [
				{
					code: "all-requirements-shown",
					metric: null,
					message: "The primary metric is shown to be better and every guardrail not inferior (p = 0.010).",
				},
			],
			guardrails: { latency: "passing", cost: "passing" },
		});
		expect(verdict({ ...shippable, guardrails: {} }).kind).toBe("ship");
	});

	it("ships by the weakest requirement, at alpha each", () => {
		const late = { ...passing, nonInferiority: { kind: "estimated", pValue: 0.049 } } as const;
		expect(verdict({ ...shippable, guardrails: { latency: late, cost: passing } })).toMatchObject({
			kind: "ship",
			reasons: [{ message: expect.stringContaining("p = 0.049") }],
		});
		const borderline = { ...passing, nonInferiority: { kind: "estimated", pValue: 0.05 } } as const;
		expect(verdict({ ...shippable, guardrails: { latency: borderline } }).kind).toBe("keep-running");
	});

	it.each([
		[
			"a primary that is not shown",
			{ primary: { kind: "estimated", betterPValue: 0.05, worsePValue: 1 } },
			["primary-undecided"],
		],
		["a primary that was not measured", { primary: nothing }, ["primary-unmeasured"]],
		["an inconclusive guardrail", { guardrails: { latency: inconclusive } }, ["guardrail-inconclusive: latency"]],
		["an unmeasured guardrail", { guardrails: { latency: unmeasured } }, ["guardrail-unmeasured: latency"]],
		[
			"a breach that only notifies",
			{ guardrails: { latency: { ...breached, onBreach: "notify" } } },
			["guardrail-breached: latency"],
		],
		["a split that could not be checked", { sampleRatio: nothing }, ["sample-ratio-unmeasured"]],
	] satisfies [string, Partial<VerdictEvidence>, string[]][])(
		"does not ship over %s, but goes on, or ends inconclusive",
		(_, change, reasons) => {
			const evidence = { ...shippable, ...change };
			expect(verdict(evidence).kind).toBe("keep-running");
			expect(verdict({ ...evidence, moreToCome: false }).kind).toBe("inconclusive");
			expect(codes(evidence)).toEqual(reasons);
		},
	);

	it("does not ship over a breach that only notifies, although the metric is shown not to be inferior either", () => {
		const both = {
			...passing,
			harm: { kind: "estimated", logEValue: 9, logThreshold: 3 },
			onBreach: "notify",
		} as const;
		const evidence = { ...shippable, guardrails: { latency: both, cost: passing } };
		expect(verdict(evidence).kind).toBe("keep-running");
		expect(codes(evidence)).toEqual(["guardrail-breached: latency"]);
	});

	it("names everything that is missing", () => {
		const evidence: VerdictEvidence = {
			...shippable,
			primary: nothing,
			sampleRatio: nothing,
			guardrails: { latency: unmeasured, cost: passing, errors: inconclusive },
		};
		expect(codes(evidence)).toEqual([
			"primary-unmeasured",
			"guardrail-unmeasured: latency",
			"guardrail-inconclusive: errors",
			"sample-ratio-unmeasured",
		]);
		expect(verdict(evidence).reasons[0]?.message).toBe("The primary metric: Nothing was measured.");
	});

	it("halts on harm, however good the primary is, and although the assignment is broken", () => {
		const evidence = { ...shippable, guardrails: { latency: breached, cost: passing } };
		expect(verdict(evidence).kind).toBe("halt");
		expect(codes(evidence)).toEqual(["guardrail-breached: latency"]);
		expect(codes({ ...evidence, sampleRatio: mismatch })).toEqual([
			"guardrail-breached: latency",
			"sample-ratio-mismatch",
		]);
	});

	it("believes in harm rather than in its absence when a guardrail claims both", () => {
		const both = { ...passing, harm: { kind: "estimated", logEValue: 9, logThreshold: 3 } } as const;
		expect(verdict({ ...shippable, guardrails: { latency: both } })).toMatchObject({
			kind: "halt",
			guardrails: { latency: "breached" },
		});
	});

	it("halts when the primary is shown to be worse", () => {
		const worse = { kind: "estimated", betterPValue: 1, worsePValue: 0.049 } as const;
		expect(verdict({ ...shippable, primary: worse }).kind).toBe("halt");
		expect(codes({ ...shippable, primary: worse })).toEqual(["primary-worse"]);
		expect(verdict({ ...shippable, primary: { ...worse, worsePValue: 0.05 } }).kind).toBe("keep-running");
	});

	it("is invalid when units do not follow the weights or many were in two arms, and concludes nothing else", () => {
		const worse = { kind: "estimated", betterPValue: 1, worsePValue: 0.001 } as const;
		for (const primary of [shippable.primary, worse]) {
			expect(codes({ ...shippable, primary, sampleRatio: mismatch })).toEqual(["sample-ratio-mismatch"]);
			expect(verdict({ ...shippable, primary, sampleRatio: mismatch }).kind).toBe("invalid");
		}
		const excludedShare = EXCLUDED_SHARE_ALARM + 0.001;
		expect(verdict({ ...shippable, excludedShare })).toMatchObject({
			kind: "invalid",
			reasons: [{ code: "units-in-two-arms", message: "1.1 % of the units were seen in two arms." }],
		});
		expect(verdict({ ...shippable, excludedShare: EXCLUDED_SHARE_ALARM }).kind).toBe("ship");
	});

	const maybe = <Result>(result: fc.Arbitrary<Result>) => fc.oneof(fc.constant(nothing), result);
	const pValue = fc.double({ min: 0, max: 1, noNaN: true });
	const guardrail = fc.record({
		harm: maybe(
			fc.record({
				kind: fc.constant("estimated" as const),
				logEValue: fc.double({ min: -9, max: 9, noNaN: true }),
				logThreshold: fc.constant(3),
			}),
		),
		nonInferiority: maybe(fc.record({ kind: fc.constant("estimated" as const), pValue })),
		onBreach: fc.constantFrom("halt" as const, "notify" as const),
	});
	const evidence: fc.Arbitrary<VerdictEvidence> = fc.record({
		alpha: fc.constantFrom(0.05, 0.5),
		moreToCome: fc.boolean(),
		sampleRatio: maybe(fc.record({ kind: fc.constant("estimated" as const), pValue, mismatch: fc.boolean() })),
		excludedShare: fc.constantFrom(0, 0, 0.5),
		primary: maybe(fc.record({ kind: fc.constant("estimated" as const), betterPValue: pValue, worsePValue: pValue })),
		guardrails: fc.dictionary(fc.constantFrom("latency", "cost", "errors"), guardrail),
	});

	it("always gives reasons, and never gets nearer to shipping by losing a measurement", () => {
		fc.assert(
			fc.property(evidence, (all) => {
				const { kind, reasons } = verdict(all);
				expect(reasons.length).toBeGreaterThan(0);
				expect(all.moreToCome ? kind !== "inconclusive" : kind !== "keep-running").toBe(true);
				const losses: VerdictEvidence[] = [
					{ ...all, primary: nothing },
					{ ...all, sampleRatio: nothing },
					...Object.keys(all.guardrails).map((metric) => ({
						...all,
						guardrails: { ...all.guardrails, [metric]: { ...all.guardrails[metric], ...unmeasured } },
					})),
				];
				if (kind !== "ship") return;
				for (const less of losses) expect(verdict(less).kind).not.toBe("ship");
			}),
			{ numRuns: 500 },
		);
	});

	it.each([
		[{ alpha: 0 }, "INVALID_ALPHA"],
		[{ excludedShare: 1.1 }, "INVALID_SHARE"],
		[{ excludedShare: Number.NaN }, "INVALID_SHARE"],
		[{ primary: { kind: "estimated", betterPValue: Number.NaN, worsePValue: 1 } }, "INVALID_P_VALUE"],
		[{ primary: { kind: "estimated", betterPValue: 0, worsePValue: -1 } }, "INVALID_P_VALUE"],
		[{ sampleRatio: { kind: "estimated", pValue: 2, mismatch: false } }, "INVALID_P_VALUE"],
		[
			{ guardrails: { latency: { ...passing, harm: { kind: "estimated", logEValue: Number.NaN, logThreshold: 3 } } } },
			"INVALID_STATISTIC",
		],
	] satisfies [Partial<VerdictEvidence>, string][])("refuses %o", (change, code) => {
		expect(() => verdict({ ...shippable, ...change })).toThrow(expect.objectContaining({ code }));
	});
});
