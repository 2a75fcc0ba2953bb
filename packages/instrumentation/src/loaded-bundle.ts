import type { Assignment, RoutingTable } from "@armspan/router";
import { type RoutingFile, routedSegments, type UnitType } from "@armspan/schema";
import type { Attributes } from "@opentelemetry/api";
import { assignmentAttributes } from "./call-attributes.ts";
import { ParsedPrompts } from "./parsed-prompts.ts";

/** A routing bundle made ready for calls. */
export interface LoadedBundle {
	readonly table: RoutingTable;
	readonly revision: number;
	readonly flagSetId: string;
	/** sha256 of `routing.json`. */
	readonly routingDigest: string;
	readonly sourceCommit: string;
	readonly prompts: ParsedPrompts;
	unitTypeOf(promptName: string): UnitType | undefined;
	attributesOf(assignment: Assignment): Readonly<Attributes>;
	/** Attributes of the call that the exposure of this assignment reports. */
	segmentsOf(assignment: Assignment): readonly string[];
}

export interface BundleContents {
	readonly table: RoutingTable;
	readonly prompts: ReadonlyMap<string, Uint8Array>;
	readonly file: RoutingFile;
	readonly routingDigest: string;
}

/** @param previous bundle whose parsed prompts are reused */
export function loadBundle(contents: BundleContents, previous?: LoadedBundle): LoadedBundle {
	const { table, file, routingDigest } = contents;
	const { revision } = table;
	const prompts = new ParsedPrompts(contents.prompts, previous?.prompts);
	const unitTypes = new Map(Object.entries(file.flags).map(([name, flag]) => [name, flag.metadata.unit]));
	const segments = new Map(Object.entries(file.flags).map(([name, flag]) => [name, routedSegments(flag.metadata)]));
	// Assignments are made once per table, so they are good keys.
	const attributes = new WeakMap<Assignment, Readonly<Attributes>>();
	return {
		table,
		revision,
		flagSetId: table.flagSetId,
		routingDigest,
		sourceCommit: table.sourceCommit,
		prompts,
		unitTypeOf: (promptName) => unitTypes.get(promptName),
		attributesOf(assignment) {
			const known = attributes.get(assignment);
			if (known !== undefined) return known;
			const made = assignmentAttributes(assignment, revision);
			attributes.set(assignment, made);
			return made;
		},
		segmentsOf: ({ promptName, experiment, enrolled }) =>
			(enrolled && experiment !== null ? segments.get(promptName)?.get(experiment) : undefined) ?? [],
	};
}
