export type Method = (this: unknown, ...values: unknown[]) => unknown;

/** Across copies of this package: one method is never wrapped twice. */
const INSTRUMENTED = Symbol.for("armspan.instrumented");

/**
 * Replaces a prototype's method.
 * @param around gets the original, `this` and the arguments, and must pass on what the original returns or throws
 * @returns whether there is such a method
 */
export function wrapMethod(
	prototype: object | undefined,
	name: string,
	around: (original: Method, self: unknown, values: unknown[]) => unknown,
): boolean {
	const original = (prototype as Record<string, (Method & { [INSTRUMENTED]?: true }) | undefined> | undefined)?.[name];
	if (prototype === undefined || typeof original !== "function") return false;
	if (original[INSTRUMENTED] === true) return true;
	// A property's own method takes its key as name, as the original has it.
	const { [name]: wrapper } = {
		[name](this: unknown, ...values: unknown[]): unknown {
			return around(original, this, values);
		},
	} as Record<string, Method>;
	if (wrapper === undefined) return false;
	Object.defineProperty(wrapper, "length", { value: original.length, configurable: true });
	Object.defineProperty(wrapper, INSTRUMENTED, { value: true });
	Object.defineProperty(prototype, name, { value: wrapper, writable: true, configurable: true, enumerable: false });
	return true;
}

/** Replaces a method of one object; who lists its properties sees no difference. */
export function replaceMethod(target: object, name: string, method: Method): void {
	const enumerable = Object.getOwnPropertyDescriptor(target, name)?.enumerable ?? false;
	Object.defineProperty(target, name, { value: method, configurable: true, writable: true, enumerable });
}
