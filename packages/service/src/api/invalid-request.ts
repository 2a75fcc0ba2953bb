/** What Fastify says of a request that does not meet its route's schema. */
export interface ValidationFailure {
	readonly validation?: readonly { readonly instancePath: string; readonly message?: string | undefined }[];
	readonly validationContext?: string | undefined;
}

interface Request {
	readonly query: unknown;
	readonly params: unknown;
	readonly body: unknown;
}

const MAX_FOUND_CHARACTERS = 80;

/** Field, value and what is expected, for each fault of a request; `undefined` when its schema is not what refused it. */
export function invalidRequest(error: ValidationFailure, request: Request): string | undefined {
	if (error.validation === undefined || error.validation.length === 0) return undefined;
	const [part, value] = partOf(error.validationContext, request);
	const faults = error.validation.map(({ instancePath, message }) => {
		const path = instancePath.split("/").filter((key) => key !== "");
		const expected = expectation(message ?? "does not fit");
		if (path.length === 0) return `invalid ${part}: ${expected}`;
		return `invalid ${part} ${path.join(".")}: ${found(value, path)}; ${expected}`;
	});
	return `${faults.join("; and ")}. See /api/v1/openapi.json`;
}

function partOf(context: string | undefined, { query, params, body }: Request): [name: string, value: unknown] {
	switch (context) {
		case "querystring":
			return ["query parameter", query];
		case "params":
			return ["part of the path", params];
		default:
			return ["body", body];
	}
}

/** Without what the schema had made of the value: "abc" is received as NaN. */
function expectation(message: string): string {
	return message.replace(/^Invalid input: /, "").replace(/, received \S+$/, "");
}

function found(value: unknown, path: readonly string[]): string {
	let at = value;
	for (const key of path) {
		at =
			typeof at === "object" && at !== null && Object.hasOwn(at, key)
				? (at as Record<string, unknown>)[key]
				: undefined;
	}
	return at === undefined ? "missing" : `found ${JSON.stringify(at).slice(0, MAX_FOUND_CHARACTERS)}`;
}
