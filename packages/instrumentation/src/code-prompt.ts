import { PromptName } from "@armspan/schema";
import { context, diag } from "@opentelemetry/api";
import { bindGenerator } from "./bind-generator.ts";
import { BoundedSet } from "./bounded-set.ts";
import { hasKnownPrompt, withCodePrompt } from "./code-prompt-call.ts";
import {
	canonicalParts,
	canonicalText,
	digestVersion,
	promptFingerprint,
	textDigest,
} from "./code-prompt-fingerprint.ts";
import { type CodePromptIdentity, codePrompts, MAX_TEXT_CHARACTERS } from "./code-prompt-memory.ts";

/** Renders a template as JavaScript does without a tag. Throws only what that throws. */
export type PromptTag = (strings: TemplateStringsArray, ...values: readonly unknown[]) => string;

/** Templates in code whose static parts are their version. */
export interface CodePrompt {
	/** `` prompt("support/greet")`Hello ${name}` ``: a prompt of this name. */
	(name: string): PromptTag;
	/** `` prompt`Hello ${name}` ``: a prompt named after its digest. */
	(strings: TemplateStringsArray, ...values: readonly unknown[]): string;
	/**
	 * Runs `fn` so that every span started in it carries the prompt that rendered `text`; for LLM SDKs that
	 * `@armspan/register` does not patch. Does nothing more inside a routed call, or for a text of other origin.
	 * @returns exactly what `fn` returns
	 * @throws exactly what `fn` throws
	 */
	run<Result>(text: string, fn: () => Result): Result;
}

/**
 * Marks a template in code as a prompt. The rendered text is a plain string; requests that send it through a client
 * patched by `@armspan/register`, unchanged, are tagged with the prompt's name and the digest of its static parts.
 * The text itself is not kept: see `docs/decisions/0009-prompts-in-code.md`.
 */
export const prompt: CodePrompt = Object.assign(tagOrRender, { run });

function tagOrRender(name: string): PromptTag;
function tagOrRender(strings: TemplateStringsArray, ...values: readonly unknown[]): string;
function tagOrRender(first: string | TemplateStringsArray, ...values: readonly unknown[]): PromptTag | string {
	if (typeof first !== "string") return render(undefined, first, values);
	return (strings, ...ofTemplate) => render(first, strings, ofTemplate);
}

function render(name: string | undefined, strings: TemplateStringsArray, values: readonly unknown[]): string {
	let text = strings[0] ?? "";
	for (const [index, value] of values.entries()) text += `${value}${strings[index + 1] ?? ""}`;
	try {
		remember(name, strings, text);
	} catch (error) {
		warnOnce(`a template in code could not be remembered: ${String(error)}`);
	}
	return text;
}

function run<Result>(text: string, fn: () => Result): Result {
	const active = contextOf(text);
	if (active === undefined) return fn();
	const result = context.with(active, fn);
	try {
		bindGenerator(result, active);
	} catch {
		// A generator that cannot be bound is the caller's all the same.
	}
	return result;
}

function contextOf(text: string) {
	try {
		const parent = context.active();
		if (typeof text !== "string" || hasKnownPrompt(parent) || text.length > MAX_TEXT_CHARACTERS) return undefined;
		const identity = codePrompts().find(textDigest(canonicalText(text)));
		return identity === undefined ? undefined : withCodePrompt(parent, identity);
	} catch {
		return undefined;
	}
}

function remember(name: string | undefined, strings: TemplateStringsArray, text: string): void {
	if (text.length > MAX_TEXT_CHARACTERS) {
		warnOnce(`a template in code rendered more than ${MAX_TEXT_CHARACTERS} characters; its calls are not tagged`);
		return;
	}
	const identity = identityOf(name, strings);
	if (identity !== undefined) codePrompts().remember(textDigest(canonicalText(text)), identity);
}

interface Site {
	readonly name: string | undefined;
	readonly identity: CodePromptIdentity | undefined;
}

/** One array of strings per place in the code: its digest is computed once. */
const sites = new WeakMap<TemplateStringsArray, Site>();

function identityOf(name: string | undefined, strings: TemplateStringsArray): CodePromptIdentity | undefined {
	const known = sites.get(strings);
	if (known !== undefined && known.name === name) return known.identity;
	const digest = promptFingerprint(strings);
	const site: Site = { name, identity: named(name ?? `unnamed/${digest.slice(0, 12)}`, digest, strings) };
	sites.set(strings, site);
	return site.identity;
}

function named(name: string, digest: string, strings: readonly string[]): CodePromptIdentity | undefined {
	const checked = PromptName.safeParse(name);
	if (!checked.success) {
		warnOnce(
			`prompt(${JSON.stringify(name.slice(0, 80))}): ${checked.error.issues[0]?.message}; its calls are not tagged`,
		);
		return undefined;
	}
	const staticLength = canonicalParts(strings).join("").length;
	return Object.freeze({ name, version: digestVersion(digest), digest, staticLength });
}

const warned = new BoundedSet(100);

function warnOnce(message: string): void {
	if (!warned.add(message)) return;
	try {
		diag.warn(`[armspan] ${message}`);
	} catch {
		// A diag logger is the application's code too.
	}
}
