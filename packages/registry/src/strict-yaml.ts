import { type Document, isAlias, isMap, isNode, isScalar, LineCounter, type Node, parseDocument, visit } from "yaml";
import type { RepositoryIssue } from "./registry-error.ts";

const MAX_FILE_BYTES = 1024 * 1024;
const MAX_SYNTAX_ISSUES = 5;

type Path = readonly (string | number)[];

/** The part of a zod issue that is read here. */
interface SchemaIssue {
	readonly code?: string | undefined;
	readonly message: string;
	readonly path: readonly PropertyKey[];
	readonly keys?: readonly string[] | undefined;
}

/** A schema of `@armspan/schema`. */
interface Schema<T> {
	safeParse(value: unknown): { success: true; data: T } | { success: false; error: { issues: readonly SchemaIssue[] } };
}

/**
 * One committed YAML file: read strictly (UTF-8, one document, unique keys, no aliases, no tags),
 * able to say on which line a value stands.
 */
export class StrictYaml {
	readonly file: string;
	readonly document: Document;
	readonly #lines: LineCounter;

	constructor(file: string, document: Document, lines: LineCounter) {
		this.file = file;
		this.document = document;
		this.#lines = lines;
	}

	/** The document, or what is wrong with it. */
	static parse(file: string, bytes: Uint8Array): StrictYaml | RepositoryIssue[] {
		const whole = (message: string): RepositoryIssue[] => [{ file, line: 1, column: 1, path: [], message }];
		if (bytes.length > MAX_FILE_BYTES) return whole(`${bytes.length} bytes; expected at most ${MAX_FILE_BYTES}`);
		let text: string;
		try {
			text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
		} catch {
			return whole("not valid UTF-8; save the file as UTF-8");
		}
		const lines = new LineCounter();
		let document: Document;
		try {
			document = parseDocument(text, {
				lineCounter: lines,
				prettyErrors: false,
				version: "1.2",
				schema: "core",
				uniqueKeys: true,
				stringKeys: true,
				// "silent" would accept a second document.
				logLevel: "error",
			});
		} catch (error) {
			// Thousands of nested brackets exhaust the parser's stack.
			return whole(`cannot be parsed as YAML: ${error instanceof Error ? error.message : String(error)}`);
		}
		const yaml = new StrictYaml(file, document, lines);
		const faults = [...document.errors, ...document.warnings].map((fault) =>
			yaml.issueAt(fault.pos[0], [], `not valid YAML: ${fault.message.split("\n", 1)[0]}`),
		);
		// One missing bracket makes the parser complain about all that follows.
		if (faults.length > 0) return faults.slice(0, MAX_SYNTAX_ISSUES);
		const issues: RepositoryIssue[] = [];
		visit(document, {
			Node: (_key, node) => {
				const offset = node.range?.[0] ?? 0;
				if (isAlias(node)) issues.push(yaml.issueAt(offset, [], "YAML aliases are not allowed; write the value out"));
				else if (node.anchor) issues.push(yaml.issueAt(offset, [], `YAML anchors are not allowed: &${node.anchor}`));
				if (node.tag) issues.push(yaml.issueAt(offset, [], `YAML tags are not allowed: ${node.tag}`));
			},
		});
		return issues.length > 0 ? issues : yaml;
	}

	/** The document as the schema's type, or every fault with its line. */
	validate<T>(schema: Schema<T>): { readonly data: T } | { readonly issues: RepositoryIssue[] } {
		const result = schema.safeParse(this.document.toJS({ maxAliasCount: 0 }));
		if (result.success) return { data: result.data };
		return {
			issues: result.error.issues.flatMap((issue) => {
				const path = issue.path.map((key) => (typeof key === "number" ? key : String(key)));
				if (issue.code === "unrecognized_keys") {
					return (issue.keys ?? []).map((key) => this.issue([...path, key], `unknown key "${key}"`));
				}
				const place = path.length === 0 ? "" : `${path.join(".")}: `;
				const absent = path.length > 0 && !this.document.hasIn(path) ? "missing; " : "";
				return [this.issue(path, `${place}${absent}${issue.message}${found(this.document, path)}`)];
			}),
		};
	}

	/** An issue at the value under `path`, or at its nearest enclosing value that exists. */
	issue(path: Path, message: string): RepositoryIssue {
		return this.issueAt(this.#offset(path), path, message);
	}

	/** Line of the value under `path`, or of its nearest enclosing value that exists; counts from 1. */
	lineOf(path: Path): number {
		return Math.max(this.#lines.linePos(this.#offset(path)).line, 1);
	}

	issueAt(offset: number, path: Path, message: string): RepositoryIssue {
		const { line, col } = this.#lines.linePos(offset);
		return { file: this.file, line: Math.max(line, 1), column: Math.max(col, 1), path, message };
	}

	#offset(path: Path): number {
		let node: Node | null = this.document.contents;
		let offset = node?.range?.[0] ?? 0;
		for (const key of path) {
			if (isMap(node)) {
				const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
				if (!pair) break;
				// The key's line: a value may begin lines further down, or not exist.
				offset = isNode(pair.key) ? (pair.key.range?.[0] ?? offset) : offset;
				node = isNode(pair.value) ? pair.value : null;
				continue;
			}
			const item: unknown = node && "get" in node ? node.get(key, true) : undefined;
			if (!isNode(item)) break;
			node = item;
			offset = item.range?.[0] ?? offset;
		}
		return offset;
	}
}

const MAX_FOUND_CHARACTERS = 80;

/** What stands at a path, for a message; nothing for what is missing, or for a whole map or list. */
function found(document: Document, path: Path): string {
	const value = path.length === 0 ? undefined : document.getIn(path);
	if (value === undefined || isNode(value)) return "";
	return `; found ${JSON.stringify(value)?.slice(0, MAX_FOUND_CHARACTERS)}`;
}
