import type { AttributeMap } from "../rows.ts";

/** The instrumentation scope that records share. */
export interface Scope {
	name: string;
	version: string;
	attributes: AttributeMap;
}

/** What all records of one scope share. */
export interface Envelope {
	resource: AttributeMap;
	resourceSchemaUrl: string;
	scope: Scope;
	scopeSchemaUrl: string;
}
