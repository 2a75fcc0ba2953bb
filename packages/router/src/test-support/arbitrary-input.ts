import { AudienceCondition, type Experiment } from "@armspan/schema";
import fc from "fast-check";
import type { CompileInput } from "../routing-bundle.ts";
import { sampleExperiment, sampleInput } from "../testing/sample-input.ts";

const share = fc.constantFrom(0, 0.00001, 0.0005, 0.02, 0.3, 0.5, 0.99999, 1);
const word = fc.string({ maxLength: 8 }).filter((text) => text.isWellFormed());

/** One sound condition of any kind. */
export const arbitraryCondition: fc.Arbitrary<AudienceCondition> = fc
	.tuple(
		fc.constantFrom("country", "age", "app", "account"),
		fc.oneof(
			fc.record({ in: fc.oneof(fc.array(word, { minLength: 1, maxLength: 4 }), fc.constant(["CH", "DE"])) }),
			fc.record({ in: fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 4 }) }),
			fc.record({ in: fc.boolean().map((value) => [value]) }),
			fc.record({ notIn: fc.array(word, { minLength: 1, maxLength: 4 }) }),
			fc.record({ startsWith: word.filter((text) => text !== "") }),
			fc.record({ endsWith: word.filter((text) => text !== "") }),
			fc.record({ atLeast: fc.integer({ min: -50, max: 50 }) }),
			fc.record({ below: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
			fc.record({ version: fc.constantFrom(">=1.2.0 <2.0.0", "=1.4.0", ">1.4.0-rc.1", "<=0.9.9 >0.1.0") }),
		),
	)
	.map(([attribute, operator]) => AudienceCondition.parse({ attribute, ...operator }));

const unit = fc.constantFrom(
	{ unit: "user" },
	{ unit: "session" },
	{ unit: "request" },
	{ unit: "attribute", unitAttribute: "account" },
);

/** Up to three experiments on one prompt in a divided layer, of one unit, with whatever the profile knows. */
export function arbitraryInput(): fc.Arbitrary<CompileInput> {
	const experiment = fc.record({
		iteration: fc.integer({ min: 1, max: 9 }),
		status: fc.constantFrom("running", "running", "running", "halted", "stopped", "draft"),
		audience: fc.oneof(fc.constant([]), fc.array(arbitraryCondition, { maxLength: 2 })),
		allocation: fc.oneof(
			share.map((enrolled) => ({ type: "fixed", enrolled })),
			share.map((enrolled) => ({ type: "shadow", enrolled })),
		),
		weights: fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 2, maxLength: 4 }),
		segments: fc.constantFrom<string[]>([], ["country"], ["plan", "app"]),
		slot: fc.constantFrom(0.00001, 0.1, 0.3333),
		overridden: fc.boolean(),
	});
	return fc
		.record({
			unit,
			holdout: fc.option(share, { nil: undefined }),
			experiments: fc.array(experiment, { minLength: 1, maxLength: 3 }),
			revision: fc.integer({ min: 1, max: 1_000_000 }),
		})
		.map(({ unit: hashed, holdout, experiments: drawn, revision }) => {
			const experiments = drawn.map(
				({ weights, slot: _slot, overridden: _overridden, ...fields }, index): Experiment => {
					const variants = weights.map((weight, arm) => ({
						key: arm === 0 ? "control" : `v${arm}`,
						version: arm === 0 ? "1.0.0" : "1.1.0",
						weight,
					}));
					return sampleExperiment({ key: `e${index}`, layer: "chat", variants, ...hashed, ...fields } as object);
				},
			);
			const slots = Object.fromEntries(drawn.map(({ slot }, index) => [`e${index}`, slot]));
			const overridden = drawn.findIndex((one) => one.overridden);
			return sampleInput({
				revision,
				experiments,
				environment: {
					...(holdout === undefined ? {} : { holdout: { key: "q4", share: holdout, ...hashed } }),
					layers: { chat: { ...hashed, slots } },
					overrides: overridden < 0 ? [] : [{ unit: "u1", experiment: `e${overridden}`, variant: "v1" }],
				},
			});
		});
}
