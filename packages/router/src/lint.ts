import type { JsonValue } from "@armspan/schema";
import type { RouterErrorCode, RouterProblem } from "./errors.ts";

/** What is named of a file that is wrong throughout: nobody reads more, and a hostile one has hundreds of thousands. */
export const MAX_PROBLEMS = 100;

/** Collects what is wrong with a routing file, up to the limit: not just the first. */
export class Lint {
	readonly problems: RouterProblem[] = [];
	private readonly saltPaths = new Map<string, string>();

	/** Whatever follows is not looked at. */
	get isFull(): boolean {
		return this.problems.length >= MAX_PROBLEMS;
	}

	add(code: RouterErrorCode, field: string, value: unknown, fix: string): void {
		if (this.isFull) return;
		this.problems.push({ code, file: "routing.json", field, value, fix });
	}

	/** Two decisions on one salt are one decision: a gate and arms with the same salt give 15/0/0 instead of 5/5/5. */
	useSalt(salt: string, path: string): void {
		const first = this.saltPaths.get(salt);
		if (first === undefined) this.saltPaths.set(salt, path);
		else this.add("SALT_REUSED", path, salt, `already used at ${first}; every fractional needs a salt of its own`);
	}
}

/** `{ "<operator>": args }` with exactly one key; a single argument may stand without its list, as in JsonLogic. */
export function operation(
	node: JsonValue | undefined,
): { readonly operator: string; readonly args: readonly JsonValue[] } | undefined {
	if (node === null || typeof node !== "object" || Array.isArray(node)) return undefined;
	const entries = Object.entries(node);
	const [entry] = entries;
	if (entry === undefined || entries.length !== 1) return undefined;
	const [operator, args] = entry;
	return { operator, args: Array.isArray(args) ? args : [args as JsonValue] };
}

/** Short enough for a message. */
export function describeNode(node: JsonValue | undefined): unknown {
	if (node === null || typeof node !== "object") return node;
	return Array.isArray(node) ? "a list" : `an object with ${Object.keys(node).join(", ") || "no key"}`;
}
