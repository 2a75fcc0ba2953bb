import type { RoutingFile } from "@armspan/schema";
import { expect, it } from "vitest";
import { compileBundle } from "../compile-bundle.ts";
import { sampleExperiment, sampleInput } from "../testing/sample-input.ts";
import { changedFlags } from "./changed-flags.ts";

const onLayer = sampleExperiment({ layer: "chat" });

function fileOf(slots: object, changes: Parameters<typeof sampleInput>[0] = {}): RoutingFile {
	return compileBundle(
		sampleInput({ experiments: [onLayer], environment: { layers: { chat: { slots } } }, ...changes }),
	).file;
}

it("says nothing of files that differ in nothing but their revision", () => {
	expect(changedFlags(fileOf({ polite: 0.4 }), fileOf({ polite: 0.4 }, { revision: 2 }))).toEqual([]);
});

it("says nothing of another order of keys", () => {
	const file = fileOf({ polite: 0.4 });
	const reversed = (node: unknown): unknown => {
		if (Array.isArray(node)) return node.map(reversed);
		if (node === null || typeof node !== "object") return node;
		return Object.fromEntries(
			Object.entries(node)
				.reverse()
				.map(([key, item]) => [key, reversed(item)]),
		);
	};
	expect(changedFlags(file, reversed(file) as RoutingFile)).toEqual([]);
});

it("names what a changed layer concerns, and only that", () => {
	expect(changedFlags(fileOf({ polite: 0.4 }), fileOf({ polite: 0.5 }))).toEqual(["support-reply"]);
});

it("names flags that came and went, and changed values of any depth", () => {
	const file = fileOf({ polite: 0.4 });
	const { summary, ...rest } = file.flags;
	const less = { ...file, flags: rest };
	expect(changedFlags(file, less)).toEqual(["summary"]);
	expect(changedFlags(less, file)).toEqual(["summary"]);
	const warmer = structuredClone(file);
	warmer.flags.summary!.variants.default!.parameters = { temperature: 0.3 };
	expect(changedFlags(file, warmer)).toEqual(["summary"]);
	const longer = structuredClone(file);
	longer.flags.summary!.variants.default!.parameters = { temperature: 0.2, stop: null };
	expect(changedFlags(file, longer)).toEqual(["summary"]);
	expect(changedFlags(longer, file)).toEqual(["summary"]);
});
