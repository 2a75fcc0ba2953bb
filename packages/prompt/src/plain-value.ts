import { PromptError } from "./errors.ts";

const MAX_DEPTH = 32;
const MAX_NODES = 100_000;

/** What is left of the allowance while one set of variables is copied. */
export interface CopyBudget {
	nodes: number;
	characters: number;
}

/**
 * An object that inherits nothing and, unlike `Object.create(null)`, is no hash table, which takes longer to make than a
 * few variables take to copy. For names that a prompt file declares: V8 keeps a shape for every set of names.
 */
export class InheritsNothing {
	[name: string]: unknown;
}
Reflect.deleteProperty(InheritsNothing.prototype, "constructor");
Object.freeze(Object.setPrototypeOf(InheritsNothing.prototype, null));

export function copyBudget(maxCharacters: number): CopyBudget {
	return { nodes: MAX_NODES, characters: maxCharacters };
}

/**
 * A deep copy in which nothing can act: strings, finite numbers, booleans and null, in lists and objects, as JSON
 * would have them. `undefined` members are left out.
 *
 * @throws {PromptError} VARIABLE_INVALID for functions, symbols, bigints, NaN, cycles, too deep or too large values
 */
export function plainValue(value: unknown, path: string, budget: CopyBudget, depth = 0): unknown {
	if (--budget.nodes < 0) throw invalid(path, `more than ${MAX_NODES} values`);
	switch (typeof value) {
		case "string":
			budget.characters -= value.length;
			if (budget.characters < 0) throw invalid(path, "the variables together are too large");
			return value;
		case "boolean":
			return value;
		case "number":
			if (!Number.isFinite(value)) throw invalid(path, `${value} is not a number JSON can say`);
			return value;
		case "object":
			break;
		default:
			throw invalid(path, `a ${typeof value} is not a value JSON can say`);
	}
	if (value === null) return null;
	if (depth >= MAX_DEPTH) throw invalid(path, `nested deeper than ${MAX_DEPTH} levels, or a cycle`);
	if (Array.isArray(value)) {
		return Array.from(value, (item, index) =>
			item === undefined ? null : plainValue(item, `${path}[${index}]`, budget, depth + 1),
		);
	}
	const prototype = Object.getPrototypeOf(value);
	if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null) {
		throw invalid(path, `a ${prototype.constructor?.name ?? "class"} instance is not a plain object; pass text`);
	}
	const copy: Record<string, unknown> = Object.create(null);
	for (const [key, member] of Object.entries(value)) {
		budget.characters -= key.length;
		if (member !== undefined) copy[key] = plainValue(member, `${path}.${key}`, budget, depth + 1);
	}
	return copy;
}

function invalid(path: string, message: string): PromptError {
	const [variable = path] = path.split(/[.[]/, 1);
	return new PromptError("VARIABLE_INVALID", `variable "${path}": ${message}`, { variables: [variable] });
}
