import { FlagdCore } from "@openfeature/flagd-core";
import { describe, expect, it } from "vitest";
import { compileBundle } from "./compile-bundle.ts";
import { routableUnitId } from "./routable-unit-id.ts";
import { RoutingTable } from "./routing-table.ts";
import { sampleExperiment, sampleInput } from "./testing/sample-input.ts";

const IDS = 20_000;

/** Every feature of the profile at once: holdout, layer, audience, gate, unequal arms, and a prompt without experiment. */
function everything() {
	const polite = sampleExperiment({
		layer: "chat",
		segments: ["country", "plan"],
		allocation: { enrolled: 0.7 },
		audience: [
			{ attribute: "country", in: ["CH", "DE"] },
			{ attribute: "paying", in: [true] },
		],
		variants: [
			{ key: "control", version: "1.0.0", weight: 3 },
			{ key: "polite", version: "1.1.0", weight: 2 },
			{ key: "large", version: "1.1.0", weight: 1, model: "m-large" },
		],
	});
	const terse = sampleExperiment({
		key: "terse",
		prompt: "summary",
		layer: "chat",
		iteration: 12,
		variants: [
			{ key: "control", version: "2.0.0" },
			{ key: "terse", version: "2.1.0" },
		],
	});
	const environment = {
		holdout: { key: "2026q4", share: 0.05 },
		layers: { chat: { slots: { polite: 0.55, terse: 0.25 } } },
	};
	return compileBundle(sampleInput({ environment, experiments: [polite, terse] }));
}

function idOf(index: number): string {
	switch (index % 4) {
		case 0:
			return String(index);
		case 1:
			return `user-${index}@example.com`;
		case 2:
			return `${index.toString(16).padStart(8, "0")}-9f1c-4d21-8a11-${(index * 7919).toString(16).padStart(12, "0")}`;
		default:
			return `~ !"#$%&'()*+,-./:;<=>?@[\\]^_\`{|} ${index}`;
	}
}

describe("flagd-core reads the same file to the same answers", () => {
	it(`for ${IDS} units with and without attributes`, () => {
		const { file, json } = everything();
		const core = new FlagdCore();
		core.setConfigurations(json);
		const table = RoutingTable.fromFile(file);
		const seen: Record<string, number> = {};
		for (let index = 0; index < IDS; index++) {
			const user = idOf(index);
			const attributes = {
				...(index % 5 === 0 ? {} : { country: ["CH", "DE", "FR"][index % 3]! }),
				...(index % 7 === 0 ? {} : { paying: index % 11 !== 0 }),
			};
			for (const prompt of ["support-reply", "summary"]) {
				const ours = table.assign(prompt, { user }, attributes)!;
				const theirs = core.resolveObjectEvaluation(prompt, {}, { targetingKey: user, ...attributes });
				if (theirs.variant !== ours.flagVariant)
					expect({ user, attributes, prompt, variant: theirs.variant }).toEqual(ours);
				seen[`${prompt} ${ours.flagVariant} ${ours.reason}`] =
					(seen[`${prompt} ${ours.flagVariant} ${ours.reason}`] ?? 0) + 1;
			}
		}
		// The comparison covered every way out.
		expect(Object.keys(seen).sort()).toEqual([
			"summary default holdout",
			"summary default other-layer",
			"summary terse.control split",
			"summary terse.terse split",
			"support-reply default audience",
			"support-reply default gate",
			"support-reply default holdout",
			"support-reply default other-layer",
			"support-reply polite.control split",
			"support-reply polite.large split",
			"support-reply polite.polite split",
		]);
	});

	it("for calls without a unit, and for other ids once they are made routable", () => {
		const { file, json } = everything();
		const core = new FlagdCore();
		core.setConfigurations(json);
		const table = RoutingTable.fromFile(file);
		const attributes = { country: "CH", paying: true };
		expect(core.resolveObjectEvaluation("summary", {}, attributes).variant).toBe(
			table.assign("summary", {}, attributes)?.flagVariant,
		);
		expect(core.resolveObjectEvaluation("summary", {}, { targetingKey: "" }).variant).toBe("default");
		for (let index = 0; index < 500; index++) {
			const user = `ünï-${index}-😀`;
			const theirs = core.resolveObjectEvaluation("summary", {}, { targetingKey: routableUnitId(user) });
			expect(theirs.variant).toBe(table.assign("summary", { user })?.flagVariant);
		}
	});

	it("and a halted experiment is the default there too", () => {
		const { json } = compileBundle(sampleInput({ halted: new Set(["polite#1"]) }));
		const core = new FlagdCore();
		core.setConfigurations(json);
		const answer = core.resolveObjectEvaluation("support-reply", {}, { targetingKey: "u1" });
		expect(answer).toMatchObject({ variant: "default", value: { enrolled: false, experiment: null } });
	});
});
