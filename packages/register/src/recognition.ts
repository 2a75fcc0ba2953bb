import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import {
	codePromptAttributes,
	codePrompts,
	hasKnownPrompt,
	type PromptIdentity,
	recognitionCounters,
	withCodePrompt,
} from "@armspan/instrumentation/recognition";
import { GEN_AI_PROMPT_NAME } from "@armspan/schema/semconv";
import { type Context, diag, type Span, trace } from "@opentelemetry/api";
import { isLeafSpan } from "./leaf-span.ts";
import type { MappingEntry } from "./mapping-entry.ts";
import { PromptRecogniser } from "./recognised-prompt.ts";
import type { PromptRequest } from "./recognised-texts.ts";
import { fieldsOf } from "./sdk-dialect.ts";

const LOOK_MS = 1000;

/** Recognising prompts that stay in the application's code. */
class Recognition {
	#recogniser = new PromptRecogniser([], codePrompts());
	#file: string | undefined;
	#looking: NodeJS.Timeout | undefined;
	#entries = 0;
	#problems: readonly string[] = [];
	readonly #warned = new Set<string>();

	/** The mapping file as it was last read. */
	get mapping(): { file: string | undefined; entries: number; problems: readonly string[] } {
		return { file: this.#file, entries: this.#entries, problems: this.#problems };
	}

	/** Reads the mapping file, and again whenever it changes; a broken one is refused and the last good one stays. */
	async follow(path: string): Promise<void> {
		// The application may change its working directory.
		const file = resolve(path);
		const { readMappingFile } = await import("./mapping-file.ts");
		const read = () => {
			const { entries, problems } = readMappingFile(file);
			this.#problems = problems ?? [];
			if (entries !== undefined) this.use(entries);
			const rest = this.#entries === 0 ? "no prompt is recognised by it" : "the last good file stays in force";
			for (const problem of this.#problems) process.stderr.write(`[armspan] ARMSPAN_PROMPTS: ${problem}; ${rest}\n`);
		};
		this.#file = file;
		// Not by watchFile: what it compares with is taken some time after it was called, and a change until then is lost.
		let last = await stampOf(file);
		read();
		clearInterval(this.#looking);
		this.#looking = setInterval(async () => {
			const found = await stampOf(file);
			if (found === last || this.#file !== file) return;
			last = found;
			read();
		}, LOOK_MS).unref();
	}

	use(entries: readonly MappingEntry[]): void {
		this.#recogniser = new PromptRecogniser(entries, codePrompts());
		this.#entries = entries.length;
	}

	close(): void {
		clearInterval(this.#looking);
		this.#file = undefined;
		this.use([]);
	}

	/**
	 * The context to make a request in: the one given, with the prompt that the request is found to be. Where a span of
	 * the same call is open already, that span is tagged.
	 */
	contextOf(parent: Context, read: () => PromptRequest): Context {
		if (this.#recogniser.idle || hasKnownPrompt(parent)) return parent;
		const identity = this.#recognise(read());
		if (identity === undefined) return parent;
		const active = trace.getSpan(parent);
		if (active !== undefined && isLeafSpan(active)) tag(active, identity);
		return withCodePrompt(parent, identity);
	}

	#recognise(request: PromptRequest): PromptIdentity | undefined {
		const { identity, alternative, curtailed } = this.#recogniser.recognise(request);
		const counters = recognitionCounters();
		if (curtailed) counters.curtailed++;
		counters[identity === undefined ? "unrecognised" : "recognised"]++;
		if (identity !== undefined && alternative !== undefined) {
			counters.ambiguous++;
			this.#warnOnce(
				`a request is "${identity.name}" ${identity.version} and also matches "${alternative.name}" ${alternative.version}; the former is taken, name a role in the mapping file to decide`,
			);
		}
		return identity;
	}

	#warnOnce(message: string): void {
		if (this.#warned.has(message) || this.#warned.size >= 100) return;
		this.#warned.add(message);
		diag.warn(`[armspan] ${message}`);
	}
}

/** The process's. */
export const recognition = new Recognition();

/** Another one when the file is another. Of a file that cannot be read, reading it says why. */
async function stampOf(file: string): Promise<string> {
	try {
		const { ino, size, mtimeMs } = await stat(file);
		return `${ino} ${size} ${mtimeMs}`;
	} catch {
		return "none";
	}
}

/** The span's maker, or a processor, may have named a prompt before. */
function tag(span: Span, identity: PromptIdentity): void {
	const attributes = fieldsOf(fieldsOf(span).attributes ?? fieldsOf(fieldsOf(span).span).attributes);
	if (attributes[GEN_AI_PROMPT_NAME] === undefined) span.setAttributes(codePromptAttributes(identity));
}
