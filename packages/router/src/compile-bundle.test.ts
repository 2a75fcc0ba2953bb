import { describe, expect, it } from "vitest";
import { compileBundle } from "./compile-bundle.ts";
import { RouterError } from "./errors.ts";
import { RoutingTable } from "./routing-table.ts";
import { type SampleChanges, sampleExperiment, sampleInput, samplePrompt } from "./testing/sample-input.ts";

function refusal(changes: SampleChanges): RouterError {
	try {
		compileBundle(sampleInput(changes));
	} catch (error) {
		if (error instanceof RouterError) return error;
		throw error;
	}
	throw new Error("expected a RouterError");
}

const onSummary = (changes: object = {}) =>
	sampleExperiment({
		key: "terse",
		prompt: "summary",
		variants: [
			{ key: "control", version: "2.0.0" },
			{ key: "terse", version: "2.1.0" },
		],
		...changes,
	});

describe("compileBundle", () => {
	it("names the segments of what runs, for whoever reports exposures", () => {
		const segmented = sampleExperiment({ segments: ["plan", "country"] });
		const metadata = (changes: SampleChanges) =>
			compileBundle(sampleInput(changes)).file.flags["support-reply"]?.metadata;
		expect(metadata({ experiments: [segmented] })?.segments).toBe("polite:plan,country");
		expect(metadata({ experiments: [segmented], halted: new Set(["polite#1"]) })).not.toHaveProperty("segments");
		expect(metadata({ experiments: [sampleExperiment()] })).not.toHaveProperty("segments");
	});

	it("compiles gate and arms with salts of their own", () => {
		const { file, prompts } = compileBundle(
			sampleInput({ experiments: [sampleExperiment({ allocation: { enrolled: 0.02 }, iteration: 3 })] }),
		);
		const flag = file.flags["support-reply"]!;
		expect(Object.keys(flag.variants).sort()).toEqual(["default", "polite.control", "polite.polite"]);
		expect(flag.metadata).toEqual({
			unit: "user",
			experiments: "polite#3:running",
		});
		const id = { var: "targetingKey" };
		expect(flag.targeting).toEqual({
			if: [
				{ "!": [id] },
				null,
				{ "!": [{ $ref: "hash-is-v2" }] },
				null,
				{ fractional: [{ cat: ["polite.3.gate:", id] }, [true, 2_000], [false, 98_000]] },
				{ fractional: [{ cat: ["polite.3.arm:", id] }, ["polite.control", 1], ["polite.polite", 1]] },
				null,
			],
		});
		expect(file.flags.summary?.targeting).toBeUndefined();
		expect([...prompts.values()].map(String).map((text) => text.split("\n")[3])).toEqual([
			"support-reply@1.0.0",
			"support-reply@1.1.0",
			"summary@2.0.0",
		]);
	});

	it("merges a variant's model and parameters over the prompt's", () => {
		const variants = [
			{ key: "control", version: "1.0.0" },
			{ key: "large", version: "1.0.0", model: "m-large", config: { max_tokens: 100 } },
		];
		const { file } = compileBundle(sampleInput({ experiments: [sampleExperiment({ variants })] }));
		expect(file.flags["support-reply"]?.variants["polite.large"]).toMatchObject({
			model: "m-large",
			parameters: { temperature: 0.2, max_tokens: 100 },
		});
	});

	it("gives the same bytes for the same input in any order", () => {
		const input = sampleInput({ experiments: [sampleExperiment(), onSummary()] });
		const shuffled = {
			...input,
			environment: { ...input.environment, prompts: { summary: "2.0.0", "support-reply": "1.0.0" } },
			experiments: [...input.experiments].reverse(),
			prompts: new Map([...input.prompts].reverse()),
		};
		expect(compileBundle(shuffled).json).toBe(compileBundle(input).json);
		expect(JSON.parse(compileBundle(input).json)).toEqual(compileBundle(input).file);
	});

	it("does not freeze or share what it was given", () => {
		const [label, prompt] = samplePrompt("support-reply@1.0.0");
		const config = { nested: { list: [1] } };
		const input = sampleInput();
		const prompts = new Map([...input.prompts, [label, { ...prompt, config }]]);
		compileBundle({ ...input, prompts });
		config.nested.list.push(2);
		expect(config.nested.list).toEqual([1, 2]);
	});

	it.each(["halted", "stopped"] as const)("gives everybody the default when %s", (status) => {
		const bundle = compileBundle(sampleInput({ experiments: [sampleExperiment({ status })] }));
		const flag = bundle.file.flags["support-reply"]!;
		expect(flag.targeting).toBeUndefined();
		expect(Object.keys(flag.variants)).toEqual(["default"]);
		expect(flag.metadata).toEqual({ unit: "user", experiments: `polite#1:${status}` });
		const assignment = RoutingTable.fromFile(bundle.file).assign("support-reply", { user: "u1" });
		expect(assignment).toMatchObject({ flagVariant: "default", enrolled: false, experiment: null, reason: status });
	});

	it("obeys a halt that git does not know, of that iteration only", () => {
		const experiments = (halted: ReadonlySet<string>) =>
			compileBundle(sampleInput({ halted })).file.flags["support-reply"]?.metadata.experiments;
		expect(experiments(new Set(["polite#1"]))).toBe("polite#1:halted");
		expect(experiments(new Set(["polite#2"]))).toBe("polite#1:running");
	});

	it("does not look at drafts", () => {
		const draft = sampleExperiment({
			status: "draft",
			variants: [
				{ key: "control", version: "9.0.0" },
				{ key: "x", version: "9.0.1" },
			],
		});
		expect(compileBundle(sampleInput({ experiments: [draft] })).file.flags["support-reply"]?.metadata).toEqual({
			unit: "user",
		});
	});

	it("names all experiments that a prompt has had, running ones first", () => {
		const experiments = [
			sampleExperiment({ key: "first", status: "stopped" }),
			sampleExperiment({ key: "third", status: "halted", iteration: 4 }),
			sampleExperiment({ key: "second", status: "halted" }),
			sampleExperiment({ key: "never", status: "draft" }),
		];
		const metadata = (more: typeof experiments) =>
			compileBundle(sampleInput({ experiments: [...experiments, ...more] })).file.flags["support-reply"]?.metadata;
		expect(metadata([sampleExperiment()])?.experiments).toBe(
			"polite#1:running second#1:halted third#4:halted first#1:stopped",
		);
		expect(metadata([])?.experiments).toBe("second#1:halted third#4:halted first#1:stopped");
	});

	it("enrols nobody through a closed gate and everybody through an open one", () => {
		for (const [enrolled, expected] of [
			[0, "gate"],
			[1, "split"],
		] as const) {
			const { file } = compileBundle(sampleInput({ experiments: [sampleExperiment({ allocation: { enrolled } })] }));
			const table = RoutingTable.fromFile(file);
			const reasons = new Set(
				Array.from({ length: 500 }, (_, n) => table.assign("support-reply", { user: `u${n}` })?.reason),
			);
			expect(reasons).toEqual(new Set([expected]));
		}
	});

	const layer = (slots: object, unit = "user") => ({ layers: { chat: { unit, slots } } });
	it.each<[string, SampleChanges, string, string, RegExp]>([
		[
			"an unreleased prompt",
			{ environment: { prompts: { nothing: "1.0.0" } }, experiments: [] },
			"PROMPT_UNKNOWN",
			"prompts.nothing",
			/released/,
		],
		[
			"an unreleased version",
			{ environment: { prompts: { summary: "7.0.0" } }, experiments: [] },
			"VERSION_UNKNOWN",
			"prompts.summary",
			/2\.0\.0, 2\.1\.0/,
		],
		["an empty environment", { environment: { prompts: {} }, experiments: [] }, "FLAGS_EMPTY", "prompts", /pin/],
		[
			"a prompt that is not deployed",
			{ environment: { prompts: { summary: "2.0.0" } } },
			"PROMPT_UNKNOWN",
			"prompt",
			/environments\/production\.yaml/,
		],
		[
			"an unreleased variant",
			{
				experiments: [
					sampleExperiment({
						variants: [
							{ key: "control", version: "1.0.0" },
							{ key: "x", version: "3.0.0" },
						],
					}),
				],
			},
			"VERSION_UNKNOWN",
			"variants[1].version",
			/1\.0\.0, 1\.1\.0/,
		],
		[
			"a control that is not deployed",
			{
				experiments: [
					sampleExperiment({
						variants: [
							{ key: "control", version: "1.1.0" },
							{ key: "x", version: "1.0.0" },
						],
					}),
				],
			},
			"CONTROL_VERSION_DIFFERS",
			"variants[0].version",
			/pins 1\.0\.0/,
		],
		[
			"two experiments on a prompt",
			{ experiments: [sampleExperiment(), sampleExperiment({ key: "other" })] },
			"PROMPT_OVERLAP",
			"prompt",
			/polite\.yaml/,
		],
		[
			"two experiments on an undivided layer",
			{ experiments: [sampleExperiment({ layer: "chat" }), onSummary({ layer: "chat" })] },
			"LAYER_OVERLAP",
			"layer",
			/layers\.chat\.slots/,
		],
		[
			"an experiment without a slot",
			{ environment: layer({ terse: 0.5 }), experiments: [sampleExperiment({ layer: "chat" })] },
			"SLOT_MISSING",
			"layer",
			/polite/,
		],
		[
			"slots that exceed the layer",
			{ environment: layer({ polite: 0.6, terse: 0.5 }), experiments: [sampleExperiment({ layer: "chat" })] },
			"SLOTS_EXCEED_LAYER",
			"layers.chat.slots",
			/at most/,
		],
		[
			"another unit than the layer's",
			{ environment: layer({ polite: 0.5 }, "session"), experiments: [sampleExperiment({ layer: "chat" })] },
			"UNIT_TYPE_MIXED",
			"unit",
			/session/,
		],
		[
			"another unit than the holdout's",
			{ environment: { holdout: { key: "h", share: 0.1, unit: "session" } } },
			"UNIT_TYPE_MIXED",
			"unit",
			/session/,
		],
		[
			"a share between steps",
			{ experiments: [sampleExperiment({ allocation: { enrolled: 0.000001 } })] },
			"SHARE_TOO_FINE",
			"allocation.enrolled",
			/0\.00001/,
		],
		[
			"a key used twice",
			{ experiments: [sampleExperiment(), sampleExperiment({ status: "stopped", iteration: 2 })] },
			"DUPLICATE_KEY",
			"key",
			/polite\.yaml/,
		],
		["a revision of zero", { revision: 0 }, "REVISION_INVALID", "metadata.revision", /≥ 1/],
	])("refuses %s", (_what, changes, code, field, fix) => {
		const error = refusal(changes);
		expect(error.problems.map((problem) => problem.code)).toContain(code);
		const problem = error.problems.find((one) => one.code === code)!;
		expect(problem.field).toBe(field);
		expect(problem.fix).toMatch(fix);
		expect(error.message).toContain(problem.file);
	});

	it("refuses bytes that are not those of the digest", () => {
		const [label, prompt] = samplePrompt("support-reply@1.0.0");
		const prompts = new Map([...sampleInput().prompts, [label, { ...prompt, bytes: Buffer.from("other") }]]);
		expect(refusal({ prompts }).code).toBe("DIGEST_MISMATCH");
	});

	it("names all problems at once", () => {
		const error = refusal({
			revision: -1,
			environment: { prompts: { "support-reply": "1.1.0" } },
			experiments: [sampleExperiment(), onSummary()],
		});
		const codes = error.problems.map(({ code }) => code);
		expect(codes).toEqual(["REVISION_INVALID", "CONTROL_VERSION_DIFFERS", "PROMPT_UNKNOWN"]);
		expect(error.message.split("\n")).toHaveLength(error.problems.length);
	});
});
