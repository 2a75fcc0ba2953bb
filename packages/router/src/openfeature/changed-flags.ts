import type { JsonValue, RoutingFile } from "@armspan/schema";

/**
 * Keys of the flags that two routing files may answer differently, or that one of them lacks; sorted. It runs between
 * the calls of an application, so equal flags are compared without writing them out.
 */
export function changedFlags(before: RoutingFile, after: RoutingFile): string[] {
	const evaluators = changedKeys(before.$evaluators ?? {}, after.$evaluators ?? {});
	const flags = changedKeys(before.flags, after.flags);
	if (evaluators.size > 0) {
		for (const [key, { targeting }] of Object.entries(after.flags)) {
			if (!flags.has(key) && refersTo(targeting, evaluators)) flags.add(key);
		}
	}
	return [...flags].sort();
}

function changedKeys(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): Set<string> {
	const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
	for (const key of keys) {
		if (Object.hasOwn(before, key) && Object.hasOwn(after, key) && isSame(before[key], after[key])) keys.delete(key);
	}
	return keys;
}

/** Equality of JSON, whatever the order of keys. Both files have passed the lint, which limits their nesting. */
function isSame(a: unknown, b: unknown): boolean {
	if (a === b) return true;
	if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return false;
	if (Array.isArray(a) || Array.isArray(b)) {
		if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
		for (let index = 0; index < a.length; index++) if (!isSame(a[index], b[index])) return false;
		return true;
	}
	const keys = Object.keys(a);
	if (keys.length !== Object.keys(b).length) return false;
	for (const key of keys) {
		if (!Object.hasOwn(b, key) || !isSame(Reflect.get(a, key), Reflect.get(b, key))) return false;
	}
	return true;
}

function refersTo(node: JsonValue | undefined, evaluators: ReadonlySet<string>): boolean {
	if (node === null || typeof node !== "object") return false;
	if (Array.isArray(node)) return node.some((item) => refersTo(item, evaluators));
	return Object.entries(node).some(([key, item]) =>
		key === "$ref" ? typeof item === "string" && evaluators.has(item) : refersTo(item, evaluators),
	);
}
