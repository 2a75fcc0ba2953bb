import { describe, expect, test } from "vitest";
import { checkGuardrails, guardrailStatistic, replayDecision } from "./guardrail-check.ts";
import { guardrailDecision } from "./guardrail-decision.ts";
import { experimentOf, windowsOf } from "./test-support.ts";

const origin = new Date("2026-11-20T10:00:00Z");
const after = (seconds: number) => new Date(origin.getTime() + seconds * 1000);

function storeOf(...arms: ReturnType<typeof windowsOf>[]) {
	return { violationWindows: async () => arms };
}

async function checkOnce(store: ReturnType<typeof storeOf>, now: Date, experiment = experimentOf()) {
	const [check] = await checkGuardrails({ store, experiment, origin, now });
	if (check === undefined) throw new Error("expected a check");
	return check;
}

describe("checkGuardrails", () => {
	test("units with a violation since a start are the suffix sum of the windows", async () => {
		const store = storeOf(windowsOf("control", { 0: 3, 2: 1 }), windowsOf("friendly", { 0: 5, 1: 2, 2: 4 }));
		const { inputs } = await checkOnce(store, after(25));
		expect(inputs.starts.map(({ start, treatment, control }) => [start, treatment, control])).toEqual([
			[1, 11, 4],
			[2, 6, 1],
			[3, 4, 1],
		]);
		expect(inputs.starts.reduce((sum, { weight }) => sum + weight, 0)).toBeLessThan(1);
	});

	test("of a long iteration some 200 starts are watched, the newest ten seconds old at most", async () => {
		const { inputs } = await checkOnce(storeOf(windowsOf("control", {}), windowsOf("friendly", {})), after(86_400 * 3));
		expect(inputs.starts.length).toBeGreaterThan(150);
		expect(inputs.starts.length).toBeLessThan(250);
		expect(inputs.starts.at(-1)?.start).toBe(3 * 8640 + 1);
	});

	test("alpha is shared by the treatments, the share of units goes by the weights", async () => {
		const experiment = experimentOf({
			alpha: 0.06,
			variants: [
				{ key: "control", version: "1.0.0", weight: 3 },
				{ key: "a", version: "2.0.0", weight: 1 },
				{ key: "b", version: "3.0.0", weight: 2 },
			],
		});
		const checks = await checkGuardrails({
			store: storeOf(windowsOf("control", {}), windowsOf("a", {}), windowsOf("b", {})),
			experiment,
			origin,
			now: after(1),
		});
		expect(checks.map(({ variant, inputs }) => [variant, inputs.alpha, inputs.treatmentShare])).toEqual([
			["a", 0.03, 0.25],
			["b", 0.03, 0.4],
		]);
	});

	test("a late burst is found in a newer start although old violations balance", async () => {
		const balanced = { 0: 200, 1: 200 };
		const quiet = storeOf(windowsOf("control", { ...balanced, 2: 2 }), windowsOf("friendly", { ...balanced, 2: 3 }));
		expect((await checkOnce(quiet, after(25))).breached).toBe(false);
		const burst = storeOf(windowsOf("control", { ...balanced, 2: 2 }), windowsOf("friendly", { ...balanced, 2: 40 }));
		const check = await checkOnce(burst, after(25));
		expect(check.breached).toBe(true);
		expect(check.start).toBe(3);
		expect(check.violations).toEqual({ treatment: 40, control: 2 });
	});

	test("harm to control breaches nothing, nor does harm within the margin", async () => {
		expect(
			(await checkOnce(storeOf(windowsOf("control", { 0: 80 }), windowsOf("friendly", { 0: 2 })), after(5))).breached,
		).toBe(false);
		expect(
			(await checkOnce(storeOf(windowsOf("control", { 0: 200 }), windowsOf("friendly", { 0: 260 })), after(5)))
				.breached,
		).toBe(false);
	});

	test("an arm without a call is unmeasured, whatever the other one shows", async () => {
		const check = await checkOnce(storeOf(windowsOf("friendly", { 0: 80 })), after(5));
		expect(check.measured).toBe(false);
		expect(check.breached).toBe(false);
	});

	test("no guardrail, no query", async () => {
		const store = {
			violationWindows: async () => {
				throw new Error("must not be asked");
			},
		};
		expect(
			await checkGuardrails({ store, experiment: experimentOf({ guardrails: [] }), origin, now: after(1) }),
		).toEqual([]);
	});
});

describe("a decision", () => {
	const context = {
		experiment: experimentOf(),
		experimentDigest: "d".repeat(64),
		codeVersion: "0.1.0",
		lastRevision: 7,
	};
	const breach = () => checkOnce(storeOf(windowsOf("control", { 0: 2 }), windowsOf("friendly", { 0: 40 })), after(30));

	test("is replayed to the same bits, also after a trip through JSON", async () => {
		const decision = guardrailDecision(await breach(), context);
		expect(replayDecision(JSON.parse(JSON.stringify(decision))).matches).toBe(true);
		const tampered = structuredClone(decision);
		(tampered.inputs as { starts: { treatment: number }[] }).starts[0]!.treatment += 1;
		expect(replayDecision(tampered).matches).toBe(false);
	});

	test("is the same record whoever takes it and whenever", async () => {
		const one = guardrailDecision(await breach(), context);
		const other = guardrailDecision(await breach(), { ...context, codeVersion: "9.9.9", lastRevision: 8 });
		expect(other.id).toBe(one.id);
		expect(one.kind).toBe("halt");
		expect(guardrailDecision(await breach(), { ...context, experiment: experimentOf({ iteration: 2 }) }).id).not.toBe(
			one.id,
		);
	});

	test("the statistic of empty counts is no evidence", () => {
		const statistic = guardrailStatistic({
			alpha: 0.05,
			treatmentShare: 0.5,
			toleratedRateRatio: 1.5,
			priorStrength: 4,
			windowSeconds: 10,
			origin: origin.toISOString(),
			checkedAt: origin.toISOString(),
			starts: [{ start: 1, weight: 0.1, treatment: 0, control: 0 }],
			measured: true,
		});
		expect(statistic.breached).toBe(false);
		expect(statistic.logEValue).toBeCloseTo(0, 12);
	});
});
