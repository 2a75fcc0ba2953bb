import type { Assignment } from "@armspan/router";
import type { RoutingShadow } from "@armspan/schema";
import type { Attributes } from "@opentelemetry/api";
import { shadowAttributes } from "./call-attributes.ts";

/** What runs in the shadow of an assignment, and what its spans say. */
export interface ShadowAssignment {
	readonly limits: RoutingShadow;
	readonly assignment: Assignment;
	readonly attributes: Readonly<Attributes>;
}

// Assignments are made once per routing table, so they are good keys, and their revision is always the same.
const known = new WeakMap<Assignment, ShadowAssignment>();

/** The shadow of an assignment; `undefined` when it has none. */
export function shadowOf(live: Assignment | undefined, revision: number): ShadowAssignment | undefined {
	const shadow = live?.shadow;
	if (live === undefined || shadow === undefined || live.experiment === null) return undefined;
	const before = known.get(live);
	if (before !== undefined) return before;
	const { version, digest, model, parameters, variant } = shadow;
	const assignment: Assignment = Object.freeze({
		...live,
		...{ version, digest, model, parameters, variant },
		flagVariant: `${live.experiment}.${variant}`,
		enrolled: false,
		shadow: undefined,
	});
	const made = { limits: shadow, assignment, attributes: shadowAttributes(assignment, revision) };
	known.set(live, made);
	return made;
}
