import type { QueryParameters } from "./connection.ts";
import { StoreError } from "./store-error.ts";
import { ALLOWED_TABLE_FUNCTIONS, type EngineFunction, isAllowedFunction } from "./user-sql-functions.ts";
import { hasEscapedName, type SyntaxNode, subqueryNames, syntaxNodes, syntaxTree } from "./user-sql-syntax.ts";

interface Engine {
	/** The answer in the engine's default format. */
	text(sql: string): Promise<string>;
	query<Row>(sql: string, parameters?: QueryParameters): Promise<Row[]>;
}

/** Nodes that a question is made of. What is not here, such as SETTINGS (`Set`) or `APPLY`, is refused. */
const ALLOWED_NODES: ReadonlySet<string> = new Set([
	"SelectWithUnionQuery",
	"SelectIntersectExceptQuery",
	"SelectQuery",
	"Subquery",
	"WithElement",
	"ExpressionList",
	"Literal",
	"Identifier",
	"TableIdentifier",
	"Function",
	"Asterisk",
	"QualifiedAsterisk",
	"ColumnsTransformerList",
	"ColumnsExceptTransformer",
	"ColumnsListMatcher",
	"TablesInSelectQuery",
	"TablesInSelectQueryElement",
	"TableExpression",
	"TableJoin",
	"ArrayJoin",
	"SampleRatio",
	"OrderByElement",
	"WindowListElement",
	"WindowDefinition",
]);

const REFUSED_NODES: Readonly<Record<string, string>> = {
	Set: "SETTINGS are fixed; remove the clause",
	QueryParameter: "there are no parameters; write the value",
	ColumnsApplyTransformer: "APPLY hides which function is called; write the columns",
	ColumnsReplaceTransformer: "write the columns instead of REPLACE",
};

const MAX_SYNTAX_NODES = 20_000;

/**
 * Checks a statement of a user without relying on settings: chDB would read files for `readonly = 1`, through `file()`
 * in an expression, and write them through INTO OUTFILE.
 *
 * The engine's own parser writes the statement anew, which drops comments and refuses several statements; what it wrote
 * is parsed as a subquery, where no FORMAT and no OUTFILE can stand; its tree may hold only known nodes, tables of this
 * database, and harmless functions. What was checked, not what was given, is what is to be run.
 *
 * @returns the statement to run
 * @throws {StoreError} SQL_REFUSED, SQL_FAILED when it is no SQL
 */
export async function checkUserSql(engine: Engine, statement: string): Promise<string> {
	const formatted = await format(engine, statement);
	if (!/^(?:SELECT|WITH|FROM|\()/i.test(formatted)) {
		throw refused(`only SELECT is answered, found ${formatted.slice(0, 40)}`);
	}
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
	if (/[\u0000-\u001f\u007f]/.test(formatted) || hasEscapedName(formatted)) {
		throw refused("a quoted name holds a quote, a backslash or a control character; rename it");
	}
	const root = syntaxTree(await explain(engine, formatted));
	if (root === undefined) throw refused("its syntax tree cannot be read with certainty; simplify names and aliases");
	const nodes = [...syntaxNodes(root)];
	if (nodes.length > MAX_SYNTAX_NODES) throw refused("it is too long; split it");
	for (const { kind } of nodes) {
		if (!ALLOWED_NODES.has(kind)) throw refused(REFUSED_NODES[kind] ?? `${kind} is not allowed`);
	}
	await checkTables(engine, nodes, subqueryNames(formatted));
	await checkFunctions(engine, nodes);
	return formatted;
}

async function format(engine: Engine, statement: string): Promise<string> {
	try {
		// The statement is a value here, and never a part of a statement before it is checked.
		const [row] = await engine.query<{ formatted: string }>(
			"SELECT formatQuerySingleLine({statement:String}) AS formatted",
			{ statement },
		);
		return row?.formatted ?? "";
	} catch (cause) {
		if (cause instanceof StoreError) throw cause;
		const { message } = cause as Error;
		if (/multi-statements/i.test(message)) throw refused("there are several; ask one question at a time");
		if (!/syntax error/i.test(message)) {
			throw new StoreError("SQL_FAILED", `the statement cannot be read: ${message.slice(0, 300)}`, {}, { cause });
		}
		const what = message.replace(/: In scope SELECT formatQuerySingleLine[\s\S]*/, "").slice(0, 500);
		throw new StoreError("SQL_FAILED", what.trim(), {}, { cause });
	}
}

async function explain(engine: Engine, formatted: string): Promise<string[]> {
	try {
		return explainedLines(await engine.text(`EXPLAIN AST SELECT * FROM (${formatted})`));
	} catch (cause) {
		if (cause instanceof StoreError) throw cause;
		throw new StoreError(
			"SQL_REFUSED",
			"the statement cannot stand as a subquery; remove FORMAT, INTO OUTFILE and parameters, and ask one SELECT",
			{},
			{ cause },
		);
	}
}

/**
 * EXPLAIN takes the FORMAT clause for one of what it explains, and answers in the default format: CSV on chDB,
 * tab-separated on a server. A text with a line break would become two lines of CSV, neither of which is a node.
 */
function explainedLines(text: string): string[] {
	const lines = text.trimEnd().split("\n");
	if (lines.every((line) => line.startsWith('"'))) {
		return lines.map((line) => (/^"(?:[^"]|"")*"$/.test(line) ? line.slice(1, -1).replaceAll('""', '"') : ""));
	}
	return lines.map((line) => line.replaceAll(/\\(.)/g, (_escape, of: string) => (of === "n" ? "\n" : of)));
}

const IN_FUNCTION = /^(?:global)?(?:not)?(?:null)?in(?:ignoreset)?$/i;

async function checkTables(engine: Engine, nodes: readonly SyntaxNode[], subqueries: ReadonlySet<string>) {
	const asked = new Set<string>();
	for (const node of nodes) {
		if (node.kind === "TableIdentifier") asked.add(node.name);
		// x IN t reads the table t, which the tree shows as any identifier.
		const [, set] = node.kind === "Function" && IN_FUNCTION.test(node.name) ? (node.children[0]?.children ?? []) : [];
		if (set?.kind === "Identifier") asked.add(set.name);
	}
	if (asked.size === 0) return;
	const rows = await engine.query<{ name: string; of: string }>(
		"SELECT name, currentDatabase() AS of FROM system.tables WHERE database = currentDatabase()",
	);
	const known = new Set(rows.flatMap(({ name, of }) => [name, `${of}.${name}`]));
	for (const name of asked) {
		if (known.has(name) || subqueries.has(name)) continue;
		throw refused(
			`there is no table ${name.slice(0, 100)} to ask; there are ${rows
				.map((row) => row.name)
				.filter((table) => !table.startsWith(".") && !/_mv$/.test(table))
				.join(", ")}, and what WITH names`,
		);
	}
}

async function checkFunctions(engine: Engine, nodes: readonly SyntaxNode[]) {
	const tableFunctions = new Set(
		nodes
			.filter(({ kind }) => kind === "TableExpression")
			.flatMap(({ children }) => children.filter(({ kind }) => kind === "Function").map(({ name }) => name)),
	);
	for (const name of tableFunctions) {
		if (!ALLOWED_TABLE_FUNCTIONS.has(name.toLowerCase())) throw refused(`the table function ${name} is not allowed`);
	}
	const names = [...new Set(nodes.filter(({ kind }) => kind === "Function").map(({ name }) => name.toLowerCase()))];
	if (names.length === 0) return;
	const found = await engine.query<EngineFunction>(
		`SELECT name, alias_to AS aliasOf, toString(origin) AS origin, toString(categories) AS category, toBool(is_aggregate) AS isAggregate
FROM system.functions WHERE lower(name) IN {names:Array(String)}
    OR name IN (SELECT alias_to FROM system.functions WHERE lower(name) IN {names:Array(String)})`,
		{ names },
	);
	const byName = Map.groupBy(found, ({ name }) => name.toLowerCase());
	for (const name of names) {
		const meant = byName.get(name) ?? [];
		const bare = meant.flatMap((one) => (one.aliasOf === "" ? one : (byName.get(one.aliasOf.toLowerCase()) ?? one)));
		const denied = bare.find((one) => !isAllowedFunction(one));
		if (denied !== undefined) throw refused(`the function ${denied.name} is not allowed`);
	}
	// What the engine knows as no function is an aggregate with a suffix, such as sumIf, or an error; or reads tables.
	const unknown = names.filter((name) => !byName.has(name));
	const [table] = await engine.query<{ name: string }>(
		"SELECT name FROM system.table_functions WHERE lower(name) IN {unknown:Array(String)} AND lower(name) NOT IN {allowed:Array(String)} LIMIT 1",
		{ unknown, allowed: [...ALLOWED_TABLE_FUNCTIONS] },
	);
	if (table !== undefined) throw refused(`the table function ${table.name} is not allowed`);
}

function refused(why: string): StoreError {
	return new StoreError("SQL_REFUSED", `the statement is refused: ${why}`);
}
