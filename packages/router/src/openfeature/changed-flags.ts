import type { JsonValue, RoutingFile } from "@armspan/schema";
import { canonicalJson } from "../canonical-json.ts";

/** Keys of the flags that two routing files may answer differently, or that one of them lacks; sorted. */
export function changedFlags(before: RoutingFile | undefined, after: RoutingFile): string[] {
	const keys = new Set([...Object.keys(before?.flags ?? {}), ...Object.keys(after.flags)]);
	return [...keys].filter((key) => before === undefined || meaning(before, key) !== meaning(after, key)).sort();
}

/** All that decides a flag: itself and the evaluators that it refers to. */
function meaning(file: RoutingFile, key: string): string {
	if (!Object.hasOwn(file.flags, key)) return "";
	const flag = file.flags[key]!;
	const names = [...references(flag.targeting)].sort();
	const evaluators = names.map((name): JsonValue => [name, file.$evaluators?.[name] ?? null]);
	return canonicalJson([flag, evaluators]);
}

function references(node: JsonValue | undefined, found = new Set<string>()): Set<string> {
	if (Array.isArray(node)) for (const item of node) references(item, found);
	else if (node !== null && typeof node === "object") {
		for (const [key, item] of Object.entries(node)) {
			if (key === "$ref" && typeof item === "string") found.add(item);
			else references(item, found);
		}
	}
	return found;
}
