import { type Prompt, parsePrompt } from "@armspan/prompt";
import { type Assignment, atOnce, type RoutingTable } from "@armspan/router";
import type { RoutingFile, UnitType } from "@armspan/schema";
import type { Attributes } from "@opentelemetry/api";
import { assignmentAttributes } from "./call-attributes.ts";

/** A routing bundle made ready for calls: prompts parsed, attributes laid out, so that a call does neither. */
export interface LoadedBundle {
	readonly table: RoutingTable;
	readonly revision: number;
	readonly flagSetId: string;
	/** Prompts by digest; one that could not be parsed is kept as the reason. */
	readonly prompts: ReadonlyMap<string, Prompt | Error>;
	unitTypeOf(promptName: string): UnitType | undefined;
	attributesOf(assignment: Assignment): Readonly<Attributes>;
}

export interface BundleContents {
	readonly table: RoutingTable;
	readonly prompts: ReadonlyMap<string, Uint8Array>;
	readonly file: RoutingFile;
}

/**
 * Makes a bundle ready, one prompt a step.
 * @param previous bundle whose parsed prompts are reused: a digest names the same bytes for ever
 */
export function* loadBundleSteps(
	contents: BundleContents,
	previous: LoadedBundle | undefined,
): Generator<void, LoadedBundle, void> {
	const { table, file } = contents;
	const { revision } = table;
	const prompts = new Map<string, Prompt | Error>();
	for (const [digest, bytes] of contents.prompts) {
		const known = previous?.prompts.get(digest);
		prompts.set(digest, known ?? parse(bytes));
		if (known === undefined) yield;
	}
	const unitTypes = new Map(Object.entries(file.flags).map(([name, flag]) => [name, flag.metadata.unit]));
	// Assignments are made once per table, so they are good keys.
	const attributes = new WeakMap<Assignment, Readonly<Attributes>>();
	return {
		table,
		revision,
		flagSetId: file.metadata.flagSetId,
		prompts,
		unitTypeOf: (promptName) => unitTypes.get(promptName),
		attributesOf(assignment) {
			const known = attributes.get(assignment);
			if (known !== undefined) return known;
			const made = assignmentAttributes(assignment, revision);
			attributes.set(assignment, made);
			return made;
		},
	};
}

/** The same at once. */
export function loadBundle(contents: BundleContents, previous?: LoadedBundle): LoadedBundle {
	return atOnce(loadBundleSteps(contents, previous));
}

function parse(bytes: Uint8Array): Prompt | Error {
	try {
		return parsePrompt(bytes);
	} catch (error) {
		return error instanceof Error ? error : new Error(String(error));
	}
}
