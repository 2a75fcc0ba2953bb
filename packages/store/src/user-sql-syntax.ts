/** A node of ClickHouse's syntax tree as `EXPLAIN AST` prints it. */
export interface SyntaxNode {
	/** Class of the node: `SelectQuery`, `Function`, `TableIdentifier`, … */
	readonly kind: string;
	/** What it is called: of functions, identifiers and tables. */
	readonly name: string;
	readonly children: SyntaxNode[];
}

const LINE = /^( *)([A-Za-z]+)(?: (.*?))??(?: \(alias .*?\))?(?: \(children (\d+)\))?$/;

/**
 * Tree of the lines that `EXPLAIN AST` prints, each indented by its depth.
 * @returns `undefined` when a line or a number of children is not as expected: then nothing may be concluded
 */
export function syntaxTree(lines: readonly string[]): SyntaxNode | undefined {
	const open: { node: SyntaxNode; expected: number }[] = [];
	let root: SyntaxNode | undefined;
	for (const line of lines) {
		const found = LINE.exec(line);
		if (found === null) return undefined;
		const [, indent = "", kind = "", name = "", children = "0"] = found;
		const depth = indent.length;
		if (depth > open.length) return undefined;
		while (open.length > depth) if (!isComplete(open.pop())) return undefined;
		const node: SyntaxNode = { kind, name, children: [] };
		const parent = open.at(-1);
		if (parent !== undefined) parent.node.children.push(node);
		else if (root === undefined) root = node;
		else return undefined;
		open.push({ node, expected: Number(children) });
	}
	while (open.length > 0) if (!isComplete(open.pop())) return undefined;
	return root;
}

function isComplete(entry: { node: SyntaxNode; expected: number } | undefined): boolean {
	return entry !== undefined && entry.node.children.length === entry.expected;
}

/** Every node of the tree, parents first. */
export function* syntaxNodes(node: SyntaxNode): Generator<SyntaxNode> {
	yield node;
	for (const child of node.children) yield* syntaxNodes(child);
}

/** Texts and quoted names of a statement that the engine has formatted. */
const QUOTED = /'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`|"(?:[^"\\]|\\.|"")*"/gs;

/** Whether a quoted name holds an escape: a line break in it would look like a node of its own. */
export function hasEscapedName(formatted: string): boolean {
	return [...formatted.matchAll(QUOTED)].some(([token]) => !token.startsWith("'") && /\\|``|""/.test(token));
}

/** Names that a formatted statement gives to subqueries by `WITH name AS (…)`, which `EXPLAIN AST` does not print. */
export function subqueryNames(formatted: string): Set<string> {
	const bare = formatted.replaceAll(QUOTED, (token) => (token.startsWith("'") ? "''" : token));
	return new Set(
		[...bare.matchAll(/(?:\bWITH(?: RECURSIVE)?|,) `?([A-Za-z_][A-Za-z0-9_]*)`? AS (?:MATERIALIZED )?\(/g)].map(
			([, name]) => name ?? "",
		),
	);
}
