import { HASH_VERSION, RoutingFile } from "@armspan/schema";
import { RouterError, throwProblems } from "./errors.ts";
import { Lint } from "./lint.ts";

type Issue = NonNullable<ReturnType<typeof RoutingFile.safeParse>["error"]>["issues"][number];

const Flags = RoutingFile.shape.flags;

/**
 * The routing file as the schema passes it, a flag at a time: a thousand flags at once would keep calls waiting.
 * @throws {RouterError} HASH_VERSION_UNKNOWN, or SCHEMA_INVALID with every issue of the schema
 */
export function* checkRoutingSchemaSteps(input: unknown): Generator<void, RoutingFile, void> {
	checkHashVersion(input);
	const given = flagsOf(input);
	// Without flags that could be taken apart there is nothing large, and the schema says what is wrong.
	const checked = safely(() =>
		RoutingFile.safeParse(given === undefined ? input : { ...(input as object), flags: {} }),
	);
	const issues: Issue[] = checked.success ? [] : [...checked.error.issues];
	const flags: RoutingFile["flags"] = {};
	for (const [name, flag] of Object.entries(given ?? {})) {
		const one = safely(() => Flags.safeParse({ [name]: flag }));
		if (one.success) Object.assign(flags, one.data);
		else for (const issue of one.error.issues) issues.push({ ...issue, path: ["flags", ...issue.path] });
		yield;
	}
	const lint = new Lint();
	for (const issue of issues) lint.add("SCHEMA_INVALID", issue.path.join("."), undefined, issue.message);
	throwProblems(lint.problems, checked.error);
	return given === undefined ? checked.data! : { ...checked.data!, flags };
}

/** Said first: a file of another version need not meet this schema. */
function checkHashVersion(input: unknown): void {
	const hash = (input as { metadata?: { hash?: unknown } } | null | undefined)?.metadata?.hash;
	if (typeof hash !== "string" || hash === HASH_VERSION) return;
	const lint = new Lint();
	const fix = `this version knows "${HASH_VERSION}" only; update Armspan`;
	lint.add("HASH_VERSION_UNKNOWN", "metadata.hash", hash, fix);
	throwProblems(lint.problems);
}

function flagsOf(input: unknown): object | undefined {
	return isRecord(input) && "flags" in input && isRecord(input.flags) ? input.flags : undefined;
}

function isRecord(value: unknown): value is object {
	return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** The schema recurses, and hostile nesting ends the stack. */
function safely<T>(parse: () => T): T {
	try {
		return parse();
	} catch (error) {
		const lint = new Lint();
		lint.add("SCHEMA_INVALID", "", undefined, "nested too deeply");
		throw new RouterError([lint.problems[0]!], error);
	}
}
