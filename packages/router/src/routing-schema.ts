import { HASH_VERSION, RoutingFile } from "@armspan/schema";
import { RouterError, throwProblems } from "./errors.ts";
import { Lint, MAX_PROBLEMS } from "./lint.ts";

/** Of one file. */
export const MAX_FLAGS = 10_000;
/** The schema quotes keys, which are the file's. */
const MAX_SHOWN = 300;

type Issue = NonNullable<ReturnType<typeof RoutingFile.safeParse>["error"]>["issues"][number];

/** Whose entries are checked one by one. */
const SECTIONS = { $evaluators: RoutingFile.shape.$evaluators.unwrap(), flags: RoutingFile.shape.flags };

/**
 * The routing file as the schema passes it, a flag at a time: a thousand flags at once would keep calls waiting.
 * @throws {RouterError} HASH_VERSION_UNKNOWN, BUNDLE_TOO_LARGE, or SCHEMA_INVALID with the first hundred issues
 */
export function* checkRoutingSchemaSteps(input: unknown): Generator<void, RoutingFile, void> {
	checkHashVersion(input);
	const given = Object.keys(SECTIONS).filter((name) => sectionOf(input, name) !== undefined) as Section[];
	refuseTooMany(input);
	// What could not be taken apart is not large, and the schema says what is wrong.
	const emptied = Object.fromEntries(given.map((name) => [name, {}]));
	const checked = safely(() =>
		RoutingFile.safeParse(given.length === 0 ? input : { ...(input as object), ...emptied }),
	);
	const issues: Issue[] = checked.success ? [] : [...checked.error.issues];
	const sections: Partial<Record<Section, object>> = {};
	for (const section of given) {
		const entries = {};
		sections[section] = entries;
		for (const [name, entry] of Object.entries(sectionOf(input, section) ?? {})) {
			const one = safely(() => SECTIONS[section].safeParse({ [name]: entry }));
			if (one.success) Object.assign(entries, one.data);
			else for (const issue of one.error.issues) issues.push({ ...issue, path: [section, ...issue.path] });
			if (issues.length >= MAX_PROBLEMS) break;
			yield;
		}
	}
	const lint = new Lint();
	for (const { path, message } of issues) {
		lint.add("SCHEMA_INVALID", path.join(".").slice(0, MAX_SHOWN), undefined, message.slice(0, MAX_SHOWN));
	}
	throwProblems(lint.problems, checked.error);
	return { ...checked.data!, ...(sections as Pick<RoutingFile, Section>) };
}

type Section = keyof typeof SECTIONS;

function refuseTooMany(input: unknown): void {
	const lint = new Lint();
	for (const section of Object.keys(SECTIONS)) {
		const count = Object.keys(sectionOf(input, section) ?? {}).length;
		if (count > MAX_FLAGS) lint.add("BUNDLE_TOO_LARGE", section, count, `the limit is ${MAX_FLAGS}`);
	}
	throwProblems(lint.problems);
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

function sectionOf(input: unknown, name: string): object | undefined {
	const section = isRecord(input) ? input[name] : undefined;
	return isRecord(section) ? section : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
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
