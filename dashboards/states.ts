import type { States } from "./panels.ts";

/** Numbers in place of words, since a series over time has no text values; −1 is a word that this file does not know. */
const GUARDRAIL_WORDS = ["passing", "inconclusive", "unmeasured", "breached"] as const;
const VERDICT_WORDS = ["ship", "keep-running", "inconclusive", "no-data", "invalid", "halt", "halted"] as const;

const COLORS: Readonly<Record<string, string>> = {
	passing: "green",
	inconclusive: "yellow",
	unmeasured: "purple",
	breached: "red",
	ship: "green",
	"keep-running": "blue",
	"no-data": "purple",
	invalid: "orange",
	halt: "red",
	halted: "red",
};

const numbered = (words: readonly string[]): States =>
	Object.fromEntries(words.map((text, index) => [String(index), { text, color: COLORS[text] ?? "text" }]));
const named = (words: readonly string[]): States =>
	Object.fromEntries(words.map((text) => [text, { text, color: COLORS[text] ?? "text" }]));
const numberOf = (column: string, words: readonly string[]): string =>
	`transform(toString(${column}), [${words.map((word) => `'${word}'`).join(", ")}], [${words.map((_, index) => index).join(", ")}], -1)`;

export const GUARDRAIL_NUMBERS = numbered(GUARDRAIL_WORDS);
export const GUARDRAIL_STATES = named(GUARDRAIL_WORDS);
export const VERDICT_NUMBERS = numbered(VERDICT_WORDS);
export const VERDICT_STATES = named(VERDICT_WORDS);
export const guardrailNumber = (column: string): string => numberOf(column, GUARDRAIL_WORDS);
export const verdictNumber = (column: string): string => numberOf(column, VERDICT_WORDS);
