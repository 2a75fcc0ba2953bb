import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileBundle } from "./compile-bundle.ts";
import type { RouterError } from "./errors.ts";
import { RoutingTable } from "./routing-table.ts";
import { type SampleChanges, sampleExperiment, sampleInput, samplePrompt } from "./testing/sample-input.ts";

const layers = (slots: object) => ({ layers: { chat: { slots } } });
const slots = { brief: 0.2, polite: 0.3 };
const BEFORE = {
	layer: "chat",
	iteration: 2,
	allocation: { enrolled: 0.5 },
	audience: [{ attribute: "country", in: ["CH"] }],
};

/** Compiles a change of the bundle in force. */
function change(after: SampleChanges, before: object = BEFORE) {
	const previous = compileBundle(sampleInput({ environment: layers(slots), experiments: [sampleExperiment(before)] }));
	return compileBundle(sampleInput({ environment: layers(slots), revision: 2, previous: previous.file, ...after }));
}

const changed = (experiment: object, environment: object = layers(slots)): SampleChanges => ({
	environment,
	experiments: [sampleExperiment({ ...BEFORE, ...experiment })],
});

const arms = (changes: object) => ({
	variants: [
		{ key: "control", version: "1.0.0" },
		{ key: "polite", version: "1.1.0", ...changes },
	],
});

describe("a running iteration", () => {
	it.each<[string, SampleChanges]>([
		["nothing changes", changed({})],
		["the gate opens", changed({ allocation: { enrolled: 1 } })],
		["the gate closes", changed({ allocation: { enrolled: 0 } })],
		["its slot grows into what is free", changed({}, layers({ brief: 0.2, polite: 0.8 }))],
		["its slot shrinks at its end", changed({}, layers({ brief: 0.2, polite: 0.1 }))],
		["another slot is added at the end", changed({}, layers({ ...slots, late: 0.5 }))],
		["it is halted", changed({ status: "halted", ...arms({ version: "1.0.0" }) })],
		["its next iteration begins", changed({ iteration: 3, unit: "user", audience: [], ...arms({ weight: 7 }) })],
		["it is taken away", { environment: layers(slots), experiments: [] }],
		[
			"a unit is overridden",
			changed({}, { ...layers(slots), overrides: [{ unit: "u", experiment: "polite", variant: "control" }] }),
		],
		["metrics change, which move no unit", changed({ alpha: 0.01 })],
	])("goes on when %s", (_what, after) => {
		expect(change(after).file.metadata.revision).toBe(2);
	});

	it.each<[string, SampleChanges, string, RegExp]>([
		["another weight", changed(arms({ weight: 2 })), "variants", /control: 1, polite: 1; set iteration: 3/],
		[
			"another arm",
			changed({ variants: [...arms({}).variants, { key: "third", version: "1.1.0" }] }),
			"variants",
			/iteration: 3/,
		],
		["another key of an arm", changed(arms({ key: "nice" })), "variants", /iteration: 3/],
		["another version", changed(arms({ version: "1.0.0" })), "variants[1].version", /1\.1\.0/],
		["another model", changed(arms({ model: "m-large" })), "variants[1].model", /m-small/],
		["another parameter", changed(arms({ config: { temperature: 0.9 } })), "variants[1].config", /0\.2/],
		[
			"a narrower audience",
			changed({ audience: [...BEFORE.audience, { attribute: "age", atLeast: 18 }] }),
			"audience",
			/undo/,
		],
		["a wider audience", changed({ audience: [] }), "audience", /undo/],
		["another unit", changed({ unit: "session" }, { layers: { chat: { unit: "session", slots } } }), "unit", /user/],
		["a shadow instead", changed({ allocation: { type: "shadow" } }), "allocation.type", /fixed/],
		["no layer", changed({ layer: undefined }), "layer", /layer chat/],
		["another layer", changed({ layer: "voice" }, { layers: { voice: { slots } } }), "layer", /layer chat/],
		["an earlier iteration", changed({ iteration: 1 }), "iteration", /polite#2 is in force/],
	])("is refused %s", (_what, after, field, fix) => {
		try {
			change(after);
			expect.unreachable();
		} catch (error) {
			expect(error).toMatchObject({ code: "ITERATION_CHANGED", field, file: "experiments/polite.yaml" });
			expect((error as RouterError).fix).toMatch(fix);
		}
	});

	it("is refused another prompt", () => {
		const terse = {
			prompt: "summary",
			variants: [
				{ key: "control", version: "2.0.0" },
				{ key: "polite", version: "2.1.0" },
			],
		};
		expect(() => change(changed(terse))).toThrow(
			expect.objectContaining({ code: "ITERATION_CHANGED", field: "prompt" }),
		);
	});

	it("is refused other bytes under the same version", () => {
		const [label, prompt] = samplePrompt("support-reply@1.1.0");
		const [, other] = samplePrompt("support-reply@1.1.0, moved");
		const prompts = new Map([...sampleInput().prompts, [label, { ...prompt, ...other }]]);
		const refused = expect.objectContaining({ code: "ITERATION_CHANGED", field: "variants[1].version" });
		expect(() => change({ ...changed({}), prompts })).toThrow(refused);
	});

	it.each([
		{ brief: 0.3, polite: 0.3 },
		{ polite: 0.3, brief: 0.2 },
		{ polite: 0.4, brief: 0.2 },
	])("is refused slots that move its units: %o", (moved) => {
		const refused = { code: "SLOT_MOVED", field: "layers.chat.slots.polite", file: "environments/production.yaml" };
		expect(() => change(changed({}, layers(moved)))).toThrow(expect.objectContaining(refused));
		// A new iteration begins with new units anyway.
		expect(change(changed({ iteration: 3 }, layers(moved))).file.metadata.revision).toBe(2);
	});

	it.each(["halted", "stopped"] as const)("does not come back once it was %s", (status) => {
		const refused = expect.objectContaining({ code: "ITERATION_CHANGED", field: "status" });
		expect(() => change(changed({}), { ...BEFORE, status })).toThrow(refused);
		expect(change(changed({ iteration: 3 }), { ...BEFORE, status }).file.metadata.revision).toBe(2);
	});

	it("does not come back on its own when a guardrail has halted it", () => {
		const halted = new Set(["polite#2"]);
		const { file } = change({ ...changed({}), halted }, { ...BEFORE, status: "halted" });
		expect(file.flags["support-reply"]?.metadata.experiments).toBe("polite#2:halted");
	});
});

/** Slots in steps of a twentieth, in any order; `ghost` is nobody's. */
const arbitrarySlots = fc
	.tuple(
		fc.shuffledSubarray(["polite", "brief", "warm", "ghost"], { minLength: 4 }),
		fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 4, maxLength: 4 }),
	)
	.map(([keys, cells]) => keys.map((key, index): [string, number] => [key, cells[index]!]));
/** A change of one slot as often as of all: most of the latter are refused. */
const arbitraryChange = arbitrarySlots.chain((before) =>
	fc.tuple(
		fc.constant(before),
		fc.oneof(
			arbitrarySlots,
			fc
				.tuple(fc.nat(3), fc.integer({ min: 1, max: 5 }))
				.map(([at, cells]) => before.map(([key, was], index): [string, number] => [key, index === at ? cells : was])),
		),
	),
);

describe("slots that change while experiments run", () => {
	const keys = ["polite", "brief", "warm"] as const;
	const bundle = (drawn: readonly (readonly [string, number])[], previous?: ReturnType<typeof compileBundle>) =>
		compileBundle(
			sampleInput({
				environment: layers(Object.fromEntries(drawn.map(([key, cells]) => [key, cells / 20]))),
				experiments: keys.map((key) => sampleExperiment({ key, layer: "chat" })),
				previous: previous?.file,
			}),
		);
	const accepts = (...args: Parameters<typeof bundle>) => {
		try {
			return bundle(...args);
		} catch (error) {
			expect(error).toMatchObject({ code: "SLOT_MOVED", file: "environments/production.yaml" });
			return undefined;
		}
	};
	/** Owner of each twentieth of the layer. */
	const ownersOf = (drawn: readonly (readonly [string, number])[]) =>
		drawn.flatMap(([key, cells]) => Array.from({ length: cells }, () => (key === "ghost" ? undefined : key)));

	it("hand no unit from one to another, exchange none, and can be put back", () => {
		const seen = { accepted: 0, refused: 0 };
		const user = (index: number) => ({ user: `user-${index}` });
		fc.assert(
			fc.property(arbitraryChange, ([before, after]) => {
				const was = ownersOf(before);
				const is = ownersOf(after);
				const changes = Array.from({ length: 20 }, (_, cell) => [was[cell], is[cell]] as const);
				const handsOver = changes.some(([from, to]) => from !== undefined && to !== undefined && from !== to);
				const exchanges = keys.some(
					(key) =>
						changes.some(([from, to]) => from === key && to !== key) &&
						changes.some(([from, to]) => from !== key && to === key),
				);
				const first = bundle(before);
				const second = accepts(after, first);
				expect(second !== undefined).toBe(!handsOver && !exchanges);
				if (second === undefined) {
					seen.refused++;
					return;
				}
				seen.accepted++;
				expect(accepts(before, second)?.json).toBe(first.json);
				const tables = [first, second].map(({ file }) => RoutingTable.fromFile(file));
				for (let index = 0; index < 100; index++) {
					const [old, now] = tables.map((table) => table.assign("support-reply", user(index))!);
					if (old!.enrolled && now!.enrolled) expect(now!.flagVariant).toBe(old!.flagVariant);
				}
			}),
			{ numRuns: 200, seed: 8 },
		);
		expect(Math.min(seen.accepted, seen.refused)).toBeGreaterThan(25);
	});

	it("say to whom units would move", () => {
		const before = bundle(Object.entries({ polite: 6, brief: 4, warm: 2 }));
		const taken = { field: "layers.chat.slots.polite", fix: expect.stringContaining("would move to brief") };
		expect(() => bundle(Object.entries({ polite: 4, brief: 6, warm: 2 }), before)).toThrow(
			expect.objectContaining(taken),
		);
	});
});

it("says the line where it is known", () => {
	const input = sampleInput({ experiments: [sampleExperiment(arms({ version: "9.0.0" }))] });
	const experiments = input.experiments.map((file) => ({
		...file,
		lineOf: (path: readonly (string | number)[]) => (path.join(".") === "variants.1.version" ? 12 : 1),
	}));
	try {
		compileBundle({ ...input, experiments, environmentLineOf: () => 4, revision: 0 });
		expect.unreachable();
	} catch (error) {
		const { problems, message } = error as RouterError;
		expect(problems.map(({ file, line, field }) => [file, line, field])).toEqual([
			["routing.json", undefined, "metadata.revision"],
			["experiments/polite.yaml", 12, "variants[1].version"],
		]);
		expect(message.split("\n")[1]).toMatch(/^experiments\/polite\.yaml:12: variants\[1\]\.version: "9\.0\.0"; /);
	}
});
