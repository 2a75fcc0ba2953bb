import type { JsonValue } from "@armspan/schema";

/** Whether the node is the JSON expected; goes no deeper than that, since a node may be nested to end the stack. */
export function isSameJson(expected: JsonValue, node: JsonValue | undefined): boolean {
	if (expected === null || typeof expected !== "object") return expected === node;
	if (node === null || typeof node !== "object" || Array.isArray(expected) !== Array.isArray(node)) return false;
	const keys = Object.keys(expected);
	return (
		keys.length === Object.keys(node).length &&
		keys.every((key) => isSameJson(Reflect.get(expected, key), Reflect.get(node, key)))
	);
}
