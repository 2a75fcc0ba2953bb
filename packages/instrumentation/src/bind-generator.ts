import { type Context, context } from "@opentelemetry/api";

const GENERATOR_TAGS: ReadonlySet<string> = new Set(["AsyncGenerator", "Generator"]);

/**
 * Keeps a generator inside a context: its body runs when it is consumed, which is mostly elsewhere, and would start its
 * spans there. The generator object stays the same; it gets own `next`, `return` and `throw`.
 * Anything that is not a generator object is left alone.
 */
export function bindGenerator(value: unknown, active: Context): void {
	if (typeof value !== "object" || value === null) return;
	const candidate = value as Record<PropertyKey, unknown>;
	if (!GENERATOR_TAGS.has(String(candidate[Symbol.toStringTag])) || !Object.isExtensible(value)) return;
	for (const name of ["next", "return", "throw"] as const) {
		const method = candidate[name];
		if (typeof method !== "function") continue;
		Object.defineProperty(value, name, {
			configurable: true,
			writable: true,
			value: (...values: unknown[]) => context.with(active, () => Reflect.apply(method, value, values)),
		});
	}
}
