import type { JsonValue } from "@armspan/schema";
import { operation } from "./lint.ts";

/** What targeting may use; those from `and` on in audiences only. */
const OPERATORS = [
	"if",
	"!",
	"==",
	"!=",
	"in",
	"fractional",
	"cat",
	"var",
	"$ref",
	"and",
	"or",
	"===",
	"!==",
	">=",
	"<",
	"starts_with",
	"ends_with",
	"sem_ver",
] as const;

export const OPERATOR_NAMES = OPERATORS.join(", ");

export function isKnownOperator(operator: string): boolean {
	return (OPERATORS as readonly string[]).includes(operator);
}

/** Path and name of the first node, outside in, whose operator is not known; nesting is limited. */
export function unknownOperator(
	node: JsonValue | undefined,
	path: string,
	depth = 0,
): { readonly operator: string; readonly path: string } | undefined {
	if (depth > 50) return undefined;
	if (Array.isArray(node)) {
		for (const [index, item] of node.entries()) {
			const found = unknownOperator(item, `${path}[${index}]`, depth + 1);
			if (found !== undefined) return found;
		}
		return undefined;
	}
	const found = operation(node);
	if (found === undefined) return undefined;
	const at = `${path}.${found.operator}`;
	if (!isKnownOperator(found.operator)) return { operator: found.operator, path: at };
	return unknownOperator(found.args as JsonValue[], at, depth + 1);
}
