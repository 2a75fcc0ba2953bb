import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileBundle } from "./compile-bundle.ts";
import { routableUnitId } from "./routable-unit-id.ts";
import { RoutingTable } from "./routing-table.ts";
import { arbitraryInput } from "./test-support/arbitrary-input.ts";
import { sampleExperiment, sampleInput } from "./testing/sample-input.ts";

const SUPPORT = "support-reply";
const routed = (experiment: object = {}, environment: object = {}) =>
	RoutingTable.fromFile(compileBundle(sampleInput({ environment, experiments: [sampleExperiment(experiment)] })).file);

const MILLION = 1_000_000;
/** Six standard deviations: the ids are fixed, so this fails when the hash or the buckets change, not by chance. */
function expectShare(count: number, total: number, share: number): void {
	expect(Math.abs(count - total * share)).toBeLessThan(6 * Math.sqrt(total * share * (1 - share)));
}

const steps = fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 0, max: 100 }));
const gates = fc.array(
	steps.map((step) => step / 100_000),
	{ minLength: 2, maxLength: 8 },
);
const weights = fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 2, maxLength: 5 });
const variantsOf = (drawn: readonly number[]) =>
	drawn.map((weight, arm) => ({
		key: arm === 0 ? "control" : `v${arm}`,
		version: arm === 0 ? "1.0.0" : "1.1.0",
		weight,
	}));

describe("a ramp", () => {
	it("only ever enrols and unenrols: over any sequence of gates no unit changes its arm", () => {
		let moves = 0;
		fc.assert(
			fc.property(gates, weights, fc.integer({ min: 1, max: 50 }), fc.nat(), (ramp, drawn, iteration, from) => {
				const variants = variantsOf(drawn);
				const tables = ramp.map((enrolled) => routed({ variants, iteration, allocation: { enrolled } }));
				for (let index = from; index < from + 150; index++) {
					const arms = new Set<string>();
					let narrowest = 2;
					let widestClosed = -1;
					tables.forEach((table, step) => {
						const { enrolled, variant, reason } = table.assign(SUPPORT, { user: `u${index}` })!;
						expect(reason).toBe(enrolled ? "split" : "gate");
						if (enrolled) {
							arms.add(variant);
							narrowest = Math.min(narrowest, ramp[step]!);
						} else widestClosed = Math.max(widestClosed, ramp[step]!);
					});
					expect(arms.size).toBeLessThanOrEqual(1);
					// Whoever is in at one gate is in at every wider one.
					expect(widestClosed).toBeLessThan(narrowest);
					if (arms.size === 1 && widestClosed >= 0) moves++;
				}
			}),
			{ numRuns: 60, seed: 4 },
		);
		expect(moves).toBeGreaterThan(500);
	});

	it.each([0.00001, 0.0005, 0.00099])("can be as narrow as %d", (enrolled) => {
		const table = routed({ allocation: { enrolled } });
		const counts = { control: 0, polite: 0 };
		for (let index = 0; index < MILLION; index++) {
			const { variant } = table.assign(SUPPORT, { user: `unit-${index}` })!;
			if (variant !== "default") counts[variant as "control" | "polite"]++;
		}
		expectShare(counts.control + counts.polite, MILLION, enrolled);
		expectShare(counts.control, MILLION, enrolled / 2);
		expect(counts.control + counts.polite).toBeGreaterThan(0);
	});
});

describe("arms", () => {
	it("hold their weights, whatever these are", () => {
		const units = 20_000;
		fc.assert(
			fc.property(weights, fc.integer({ min: 1, max: 1_000 }), (drawn, iteration) => {
				const table = routed({ variants: variantsOf(drawn), iteration });
				const counts: Record<string, number> = {};
				for (let index = 0; index < units; index++) {
					const { variant } = table.assign(SUPPORT, { user: String(index) })!;
					counts[variant] = (counts[variant] ?? 0) + 1;
				}
				const total = drawn.reduce((sum, weight) => sum + weight, 0);
				for (const { key, weight } of variantsOf(drawn)) expectShare(counts[key] ?? 0, units, weight / total);
			}),
			{ numRuns: 20, seed: 4 },
		);
	});

	it("of two experiments are independent: chi-square on a million units", () => {
		const terse = sampleExperiment({
			key: "terse",
			prompt: "summary",
			allocation: { enrolled: 0.6 },
			variants: [
				{ key: "control", version: "2.0.0" },
				{ key: "terse", version: "2.1.0", weight: 2 },
			],
		});
		const polite = sampleExperiment({ allocation: { enrolled: 0.5 } });
		const table = RoutingTable.fromFile(compileBundle(sampleInput({ experiments: [polite, terse] })).file);
		const rows = ["default", "control", "polite"];
		const columns = ["default", "control", "terse"];
		const counts = new Float64Array(9);
		for (let index = 0; index < MILLION; index++) {
			const units = { user: `user-${index}` };
			const row = rows.indexOf(table.assign(SUPPORT, units)!.variant);
			counts[3 * row + columns.indexOf(table.assign("summary", units)!.variant)]!++;
		}
		const sum = (values: readonly number[]) => values.reduce((total, cell) => total + counts[cell]!, 0);
		let chiSquare = 0;
		for (let cell = 0; cell < 9; cell++) {
			const row = cell - (cell % 3);
			const expected = (sum([row, row + 1, row + 2]) * sum([cell % 3, (cell % 3) + 3, (cell % 3) + 6])) / MILLION;
			chiSquare += (counts[cell]! - expected) ** 2 / expected;
		}
		// Four degrees of freedom: 33.4 is exceeded by chance once in a million.
		expect(chiSquare).toBeLessThan(33.4);
		expect(Math.min(...counts)).toBeGreaterThan(0);
	});
});

describe("layers", () => {
	it("never let a unit into two of their experiments, on one prompt or on several", () => {
		const shares = fc.array(fc.integer({ min: 1, max: 33_000 }), { minLength: 3, maxLength: 3 });
		let enrolled = 0;
		fc.assert(
			fc.property(shares, fc.nat(), (drawn, from) => {
				const slots = Object.fromEntries(drawn.map((step, index) => [`e${index}`, step / 100_000]));
				const onSummary = {
					prompt: "summary",
					variants: [
						{ key: "control", version: "2.0.0" },
						{ key: "terse", version: "2.1.0" },
					],
				};
				const experiments = [{}, {}, onSummary].map((changes, index) =>
					sampleExperiment({ key: `e${index}`, layer: "chat", ...changes }),
				);
				const input = sampleInput({ experiments, environment: { layers: { chat: { slots } } } });
				const table = RoutingTable.fromFile(compileBundle(input).file);
				for (let index = from; index < from + 300; index++) {
					const units = { user: `u${index}` };
					const [support, summary] = [table.assign(SUPPORT, units)!, table.assign("summary", units)!];
					expect(support.enrolled && summary.enrolled).toBe(false);
					if (support.enrolled || summary.enrolled) enrolled++;
				}
			}),
			{ numRuns: 40, seed: 4 },
		);
		expect(enrolled).toBeGreaterThan(1_000);
	});
});

describe("every id", () => {
	const ids = fc.oneof(
		fc.string({ unit: "binary" }),
		fc.string({ unit: "grapheme" }),
		fc.nat().map(String),
		fc.integer(),
		fc.constantFrom(
			"",
			"\ud800",
			"\udc00a",
			"a".repeat(1_000),
			"a".repeat(1_001),
			"é".repeat(10_240),
			"x".repeat(10_240),
		),
		fc.constantFrom(undefined, null, Number.NaN, 1.5, 2 ** 53, -0, true, {}, [], 7n, 10n ** 2_000n, Symbol("s")),
	);

	it("has one defined answer, and is tagged exactly when it is hashed", () => {
		const { file } = compileBundle(sampleInput());
		const [one, other] = [RoutingTable.fromFile(file), RoutingTable.fromFile(JSON.parse(JSON.stringify(file)))];
		fc.assert(
			fc.property(ids, (given) => {
				const user = given as string;
				const answer = one.assign(SUPPORT, { user })!;
				const tagged = one.unitId(SUPPORT, { user });
				expect(other.assign(SUPPORT, { user })).toEqual(answer);
				expect(answer.reason).toBe(tagged === undefined ? "no-unit" : "split");
				if (tagged === undefined) return;
				expect(one.assign(SUPPORT, { user: tagged })).toBe(answer);
				expect(one.assign(SUPPORT, { user: routableUnitId(tagged) })).toBe(answer);
				expect(tagged.length).toBeLessThanOrEqual(1_000);
			}),
			{ numRuns: 2_000 },
		);
	});

	it("gets the same as a number and as its text", () => {
		const table = routed();
		for (let id = -500; id < 500; id++) {
			expect(table.assign(SUPPORT, { user: id as unknown as string })).toBe(
				table.assign(SUPPORT, { user: String(id) }),
			);
		}
	});
});

describe("the compiler", () => {
	const shuffled = <Value>(entries: Iterable<Value>): Value[] => [...entries].reverse();

	it("gives the same bytes for the same input in any order", () => {
		fc.assert(
			fc.property(arbitraryInput(), (input) => {
				const { environment } = input;
				const other = {
					...input,
					environment: {
						...Object.fromEntries(shuffled(Object.entries(environment))),
						prompts: Object.fromEntries(shuffled(Object.entries(environment.prompts))),
						overrides: shuffled(environment.overrides),
						layers: Object.fromEntries(shuffled(Object.entries(environment.layers))),
					} as typeof environment,
					experiments: shuffled(input.experiments),
					prompts: new Map(shuffled(input.prompts)),
				};
				const { json, file } = compileBundle(input);
				expect(compileBundle(other).json).toBe(json);
				// And what is in force forbids nothing that is the same.
				expect(compileBundle({ ...other, previous: file }).json).toBe(json);
			}),
			{ numRuns: 150 },
		);
	});

	it("lets a bundle in force forbid exactly what would move units, for any gate", () => {
		fc.assert(
			fc.property(arbitraryInput(), gates, (input, [enrolled = 0]) => {
				const ramped = input.experiments.map(({ file, experiment }) => ({
					file,
					experiment: { ...experiment, allocation: { ...experiment.allocation, enrolled } },
				}));
				const { file } = compileBundle(input);
				const next = compileBundle({ ...input, experiments: ramped, previous: file, revision: input.revision + 1 });
				const [before, after] = [RoutingTable.fromFile(file), RoutingTable.fromFile(next.file)];
				for (let index = 0; index < 40; index++) {
					const units = { user: `u${index}`, session: `s${index}`, request: `r${index}` };
					const given = { country: "CH", account: `a${index}` };
					const [was, is] = [before.assign(SUPPORT, units, given)!, after.assign(SUPPORT, units, given)!];
					if (was.enrolled && is.enrolled) expect(is.flagVariant).toBe(was.flagVariant);
				}
			}),
			{ numRuns: 150 },
		);
	});
});
