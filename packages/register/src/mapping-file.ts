import { readFileSync, statSync } from "node:fs";
import { PromptMapping } from "@armspan/schema";
import { isMap, isNode, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import { type MappingEntry, mappingEntry } from "./mapping-entry.ts";

const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_PROBLEMS = 5;
const MAX_FOUND_CHARACTERS = 60;

/** The mapping file, or what is wrong with it: lines such as `prompts.yaml:3: prompts.0.version: …`. */
export type MappingFile =
	| { readonly entries: readonly MappingEntry[]; readonly problems?: undefined }
	| { readonly entries?: undefined; readonly problems: readonly string[] };

/** Reads a mapping file, YAML or JSON. Never throws. */
export function readMappingFile(file: string): MappingFile {
	try {
		const { size } = statSync(file);
		if (size > MAX_FILE_BYTES) return { problems: [`${file}: ${size} bytes; expected at most ${MAX_FILE_BYTES}`] };
		return parseMapping(readFileSync(file, "utf8"), file);
	} catch (error) {
		return { problems: [`${file}: cannot be read: ${messageOf(error)}`] };
	}
}

/** @param file for the messages */
export function parseMapping(text: string, file: string): MappingFile {
	try {
		return parse(text, file);
	} catch (error) {
		// Aliases, and brackets nested so deeply that the parser's stack is exhausted.
		return { problems: [`${file}:1: cannot be parsed: ${messageOf(error)}`] };
	}
}

function parse(text: string, file: string): MappingFile {
	const lines = new LineCounter();
	// JSON is YAML 1.2, so both get line numbers.
	const document = parseDocument(text, {
		lineCounter: lines,
		prettyErrors: false,
		version: "1.2",
		schema: "core",
		uniqueKeys: true,
		stringKeys: true,
		logLevel: "error",
	});
	const problem = (offset: number, message: string) => `${file}:${Math.max(lines.linePos(offset).line, 1)}: ${message}`;
	const faults = [...document.errors, ...document.warnings];
	if (faults.length > 0) {
		return refused(faults.map((fault) => problem(fault.pos[0], `not valid YAML: ${fault.message.split("\n", 1)[0]}`)));
	}
	const at = (path: readonly PropertyKey[]) => offsetOf(document.contents, path);
	const checked = PromptMapping.safeParse(document.toJS({ maxAliasCount: 0 }));
	if (!checked.success) {
		return refused(
			checked.error.issues.map(({ path, message }) => {
				const place = path.length === 0 ? "" : `${path.join(".")}: `;
				return problem(at(path), `${place}${message}${found(document.getIn(path), path)}`);
			}),
		);
	}
	const entries = checked.data.prompts.map(mappingEntry);
	const problems = entries.flatMap((entry, index) =>
		"message" in entry
			? problem(at(["prompts", index, "match", entry.field]), `prompts.${index}.match.${entry.field} ${entry.message}`)
			: [],
	);
	return problems.length > 0 ? refused(problems) : { entries: entries.filter((entry) => "identity" in entry) };
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

/** One missing bracket makes a parser complain about all that follows. */
function refused(problems: readonly string[]): MappingFile {
	return { problems: problems.slice(0, MAX_PROBLEMS) };
}

/** Of the key under a path, or of its nearest enclosing value that exists. */
function offsetOf(root: Node | null, path: readonly PropertyKey[]): number {
	let node = root;
	let offset = node?.range?.[0] ?? 0;
	for (const key of path) {
		if (isMap(node)) {
			const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
			if (pair === undefined) break;
			if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
			node = isNode(pair.value) ? pair.value : null;
			continue;
		}
		const item: unknown = node !== null && "get" in node ? node.get(key as number, true) : undefined;
		if (!isNode(item)) break;
		node = item;
		offset = item.range?.[0] ?? offset;
	}
	return offset;
}

/** What stands at a path; nothing of a prompt's text, which has no business in a log, nor of whole maps and lists. */
function found(value: unknown, path: readonly PropertyKey[]): string {
	if (value === undefined || isNode(value) || path.includes("template") || path.includes("staticParts")) return "";
	return `; found ${JSON.stringify(value)?.slice(0, MAX_FOUND_CHARACTERS)}`;
}
