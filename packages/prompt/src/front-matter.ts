import { PromptFrontMatter } from "@armspan/schema";
import { isAlias, isCollection, isNode, isPair, isScalar, type Node, parseDocument, visit } from "yaml";
import { PromptError } from "./errors.ts";

const MAX_FRONT_MATTER_CHARACTERS = 65_536;
const MAX_DEPTH = 32;

/** Keys that would reach a prototype if somebody copied the value carelessly. */
const FORBIDDEN_KEYS = new Set(["__proto__", "constructor", "prototype"]);

export interface SplitFile {
	readonly frontMatter: string;
	readonly body: string;
	/** Line of the file on which the body starts, from 1. */
	readonly bodyLine: number;
}

/** Splits a prompt file at its two `---` lines. Line ends are `\n` already. */
export function splitFrontMatter(text: string): SplitFile {
	const lines = text.split("\n");
	if (lines[0]?.trimEnd() !== "---") {
		throw new PromptError("FRONT_MATTER_MISSING", 'expected "---" on the first line, then YAML, then "---"', {
			line: 1,
		});
	}
	const end = lines.findIndex((line, index) => index > 0 && line.trimEnd() === "---");
	if (end === -1) {
		throw new PromptError("FRONT_MATTER_MISSING", 'the front matter is not closed: expected a second line "---"', {
			line: lines.length,
		});
	}
	return {
		frontMatter: lines.slice(1, end).join("\n"),
		body: lines.slice(end + 1).join("\n"),
		bodyLine: end + 2,
	};
}

/** Strict YAML (no aliases, anchors or tags, unique string keys, capped), then the schema. */
export function parseFrontMatter(yaml: string): PromptFrontMatter {
	if (yaml.length > MAX_FRONT_MATTER_CHARACTERS) {
		throw new PromptError("FILE_TOO_LARGE", `front matter is longer than ${MAX_FRONT_MATTER_CHARACTERS} characters`);
	}
	const checked = PromptFrontMatter.safeParse(parseStrictYaml(yaml), { reportInput: true });
	if (!checked.success) {
		const fields = checked.error.issues.map(
			(issue) =>
				`${issue.path.length === 0 ? "front matter" : issue.path.join(".")}: ${issue.message}${found(issue.input)}`,
		);
		const field = checked.error.issues[0]?.path.join(".") ?? "";
		throw new PromptError("FRONT_MATTER_INVALID", fields.join("; "), { field }, checked.error);
	}
	return checked.data;
}

const MAX_FOUND_CHARACTERS = 80;

/** The refused value, for a message; nothing for what is missing, or for a whole map or list. */
function found(input: unknown): string {
	return input === undefined || (typeof input === "object" && input !== null)
		? ""
		: `; found ${JSON.stringify(input)?.slice(0, MAX_FOUND_CHARACTERS)}`;
}

function parseStrictYaml(yaml: string): unknown {
	try {
		const document = parseDocument(yaml, {
			version: "1.2",
			schema: "core",
			strict: true,
			uniqueKeys: true,
			stringKeys: true,
			merge: false,
			resolveKnownTags: false,
			// "silent" would also keep back the fault of a second document.
			logLevel: "error",
		});
		const [problem] = [...document.errors, ...document.warnings];
		if (problem !== undefined) {
			// The front matter starts on the second line of the file.
			const line = (problem.linePos?.[0]?.line ?? 1) + 1;
			// yaml reports the end of the stack as an error of the file, which it is.
			const reason = problem.message.replace("Maximum call stack size exceeded", "nested too deeply").split("\n")[0];
			throw new PromptError("FRONT_MATTER_INVALID", `front matter: ${reason}`, { line }, problem);
		}
		visit(document, (_key, node, path) => refuse(yaml, node, path.length));
		return document.toJS({ maxAliasCount: 0 }) ?? {};
	} catch (error) {
		if (error instanceof PromptError) throw error;
		// yaml recurses: hostile nesting ends the stack before our own depth check sees it.
		throw new PromptError("FRONT_MATTER_INVALID", "front matter: cannot be read as YAML", { line: 2 }, error);
	}
}

function refuse(yaml: string, node: unknown, depth: number): void {
	const problem = forbidden(node, depth);
	if (problem === undefined) return;
	const start = isPair(node) ? (isNode(node.key) ? node.key.range?.[0] : undefined) : (node as Node).range?.[0];
	const line = start === undefined ? 2 : yaml.slice(0, start).split("\n").length + 1;
	throw new PromptError("FRONT_MATTER_INVALID", `front matter: ${problem}`, { line });
}

function forbidden(node: unknown, depth: number): string | undefined {
	// A path holds a map and its pair for every level.
	if (depth > 2 * MAX_DEPTH) return `nested deeper than ${MAX_DEPTH} levels`;
	if (isAlias(node)) return `alias "*${node.source}" is not allowed; write the value again`;
	if (isScalar(node) || isCollection(node)) {
		if (node.anchor !== undefined) return `anchor "&${node.anchor}" is not allowed; remove it`;
		if (node.tag !== undefined) return `tag "${node.tag}" is not allowed; remove it`;
	}
	if (isPair(node) && isScalar(node.key) && FORBIDDEN_KEYS.has(String(node.key.value))) {
		return `key "${node.key.value}" is not allowed; rename it`;
	}
	return undefined;
}
