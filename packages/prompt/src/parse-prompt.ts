import { PromptError, type PromptErrorDetails } from "./errors.ts";
import { parseFrontMatter, splitFrontMatter } from "./front-matter.ts";
import { compileInputSchema, inputJsonSchema } from "./input-schema.ts";
import type { Prompt } from "./prompt.ts";
import { promptDigest } from "./prompt-digest.ts";
import { compileTemplate } from "./template.ts";

const MAX_FILE_BYTES = 262_144;

export interface ParseOptions {
	/** Name of the prompt, for messages. */
	readonly name?: string | undefined;
}

/**
 * A prompt file, checked and compiled.
 *
 * @param bytes the file: Dotprompt syntax in UTF-8, at most 256 KiB
 * @throws {PromptError} with the line or the field
 */
export function parsePrompt(bytes: Uint8Array | string, options: ParseOptions = {}): Prompt {
	try {
		const text = decode(bytes);
		const { frontMatter: yaml, body, bodyLine } = splitFrontMatter(text);
		const frontMatter = parseFrontMatter(yaml);
		const { schema, default: defaults } = frontMatter.input;
		if (body.trim() === "") {
			throw new PromptError("TEMPLATE_SYNTAX", "the body is empty; write the prompt below the front matter", {
				line: bodyLine,
			});
		}
		const template = compileTemplate(body, schema === undefined ? undefined : inputJsonSchema(schema), bodyLine);
		const input = compileInputSchema(schema, defaults, template.variables);
		return Object.freeze({
			name: options.name,
			digest: promptDigest(bytes),
			frontMatter: deepFreeze(frontMatter),
			model: frontMatter.model,
			config: frontMatter.config,
			body,
			input,
			template,
		});
	} catch (error) {
		if (!(error instanceof PromptError) || options.name === undefined) throw error;
		const details: PromptErrorDetails = { ...error.details, prompt: options.name };
		throw new PromptError(error.code, messageOf(error), details, error.cause);
	}
}

/** Text with `\n` as line ends; the digest is taken from the bytes as they are. */
function decode(bytes: Uint8Array | string): string {
	const size = typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.byteLength;
	if (size > MAX_FILE_BYTES) {
		throw new PromptError("FILE_TOO_LARGE", `the file has ${size} bytes; at most ${MAX_FILE_BYTES} are read`);
	}
	let text: string;
	if (typeof bytes === "string") {
		// A lone surrogate has no UTF-8, hence no digest of its own.
		if (!bytes.isWellFormed()) throw new PromptError("NOT_UTF8", "the text has a lone surrogate; expected UTF-8");
		text = bytes.replace(/^\uFEFF/, "");
	} else {
		try {
			text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
		} catch (error) {
			throw new PromptError("NOT_UTF8", "the file is not UTF-8; save it as UTF-8", {}, error);
		}
	}
	return text.replaceAll("\r\n", "\n");
}

/** Message without the place, which the next error puts in front again. */
function messageOf(error: PromptError): string {
	const { line } = error.details;
	return line === undefined ? error.message : error.message.replace(`line ${line}: `, "");
}

function deepFreeze<T>(value: T): T {
	if (value !== null && typeof value === "object") {
		for (const member of Object.values(value)) deepFreeze(member);
		Object.freeze(value);
	}
	return value;
}
