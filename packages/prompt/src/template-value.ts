import { InheritsNothing } from "./plain-value.ts";

const ITEMS = Symbol("items");

/**
 * A scalar as templates see it: its text when printed. Handlebars joins pieces by `+`, so that `{{a}}{{b}}` of two
 * numbers would print their sum; and it compares loop items with the contexts around them by `!=` to count levels for
 * `../`, which confuses equal scalars.
 */
export class Scalar {
	readonly #value: unknown;

	constructor(value: unknown) {
		this.#value = value;
	}

	get isTrue(): boolean {
		return Boolean(this.#value);
	}

	copy(): Scalar {
		return new Scalar(this.#value);
	}

	[Symbol.toPrimitive](): string {
		return String(this.#value ?? "");
	}
}

type List = Record<string, unknown> & { readonly [ITEMS]: readonly unknown[] };

/** The variables of a render as templates see them: `templateValue` of each. */
export function templateVariables(variables: Readonly<Record<string, unknown>>): Record<string, unknown> {
	const seen = new InheritsNothing();
	for (const name of Object.keys(variables)) seen[name] = templateValue(variables[name]);
	return seen;
}

/**
 * A plain value as templates see it. Lists and objects have no prototype and no text: written where text is expected
 * they fail instead of printing `[object Object]`.
 */
function templateValue(value: unknown): unknown {
	if (typeof value === "number" || typeof value === "boolean") return new Scalar(value);
	if (value === null || typeof value !== "object") return value;
	const seen: Record<string | symbol, unknown> = Object.create(null);
	for (const [key, member] of Object.entries(value)) seen[key] = templateValue(member);
	if (Array.isArray(value)) {
		seen[ITEMS] = value.map((_, index) => seen[index]);
		seen.length = new Scalar(value.length);
	}
	return seen;
}

/** Handlebars' rule: false, 0, empty text, null and empty lists are not true. */
export function isTrue(value: unknown): boolean {
	if (value instanceof Scalar) return value.isTrue;
	return isList(value) ? value[ITEMS].length > 0 : Boolean(value);
}

/** What `#each` goes through: key and member, as contexts of their own. */
export function loopMembers(subject: unknown): (readonly [Scalar, unknown])[] {
	if (subject === null || typeof subject !== "object" || subject instanceof Scalar) return [];
	return isList(subject)
		? subject[ITEMS].map((item, index) => [new Scalar(index), loopContext(item)] as const)
		: Object.entries(subject).map(([key, member]) => [new Scalar(key), loopContext(member)] as const);
}

/** A new object each time, since a context that is identical to the one around it counts as the same level. */
function loopContext(item: unknown): unknown {
	if (item instanceof Scalar) return item.copy();
	if (item === null || typeof item !== "object") return new Scalar(item);
	return Object.assign(Object.create(null), item);
}

function isList(value: unknown): value is List {
	return value !== null && typeof value === "object" && Object.hasOwn(value, ITEMS);
}
