import { InvalidArgumentError } from "commander";

type Scalar = string | number | boolean;

/**
 * Collects `name=value`. Numbers, `true` and `false` are what they look like; quote a value to keep it text: `code='"7"'`.
 */
export function collectAttribute(text: string, earlier: Record<string, Scalar> = {}): Record<string, Scalar> {
	const at = text.indexOf("=");
	if (at < 1) throw new InvalidArgumentError(`expected NAME=VALUE, found "${text}"`);
	return { ...earlier, [text.slice(0, at)]: readScalar(text.slice(at + 1)) };
}

function readScalar(text: string): Scalar {
	try {
		const value: unknown = JSON.parse(text);
		if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
	} catch {
		// Not JSON: text as it stands.
	}
	return text;
}
