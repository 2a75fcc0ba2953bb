// Loaded before everything else, also on a Node that is too old for it: built-in modules only.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import nodeModule from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { threadId } from "node:worker_threads";
import type { StartupReport } from "@armspan/schema";
import type { DiagLogger } from "@opentelemetry/api";

const WRITE_MS = 200;
const MAX_DIAGNOSTICS = 20;
const MAX_LINE_LENGTH = 500;

/** Packages whose copies and versions decide what is instrumented. */
const WATCHED =
	/^(?:openai|ai|openlit|langfuse|dd-trace|cohere-ai|groq-sdk|ollama|@aws-sdk\/client-bedrock-runtime|@mistralai\/mistralai|@google\/gen.+|@(?:opentelemetry|anthropic-ai|ai-sdk|langchain|traceloop|arizeai|langfuse|armspan)\/.+)$/;

/** Packages that an application loads to set OpenTelemetry up. */
const OTEL_SET_UP = /^@opentelemetry\/(?:sdk-(?:node|trace(?:-base|-node)?)|auto-instrumentations-node)$/;

type SetUp = NonNullable<StartupReport["setUp"]>;

/** What only the started register knows. */
export interface StartedFacts {
	readonly setUp: SetUp;
	readonly spanProcessors: string[] | null;
	readonly globalApiVersion: string | null;
	readonly sampler: string | null;
	readonly samplerDropsCalls: boolean;
	/** Whether somebody else than register has called `armspan.start()`. */
	readonly startedByApplication: boolean;
}

interface Copy {
	readonly name: string;
	readonly version: string;
	readonly formats: Set<string>;
	byApplication: boolean;
}

const BEGUN = Symbol.for("armspan.register.diagnosis");

/** @returns nothing in a second copy of register: the first one looks on, and there is one report for each thread */
export function beginDiagnosis(folder: string): Diagnosis | undefined {
	// Without the folder nobody looks on: a process that outlived its doctor must not go without telemetry.
	if (currentDiagnosis() !== undefined || !existsSync(folder)) return undefined;
	const diagnosis = new Diagnosis(folder);
	(globalThis as { [BEGUN]?: Diagnosis })[BEGUN] = diagnosis;
	diagnosis.begin();
	return diagnosis;
}

/** The one that looks on in this process, from whichever copy of register. */
export function currentDiagnosis(): Diagnosis | undefined {
	return (globalThis as { [BEGUN]?: Diagnosis })[BEGUN];
}

/** Watches a process start up, and writes what it sees into a folder, for `armspan doctor`. */
export class Diagnosis {
	readonly #file: string;
	readonly #copies = new Map<string, Copy>();
	/** Modules that were asked for from outside their package: it may be mixed within. */
	readonly #entries = new Set<string>();
	readonly #clients: { module: string; patched: boolean; declared: unknown }[] = [];
	readonly #diagnostics: string[] = [];
	#problem: string | null = null;
	#uncaught: string | null = null;
	#facts: (() => StartedFacts) | undefined;
	#registerAsked = asksForRegister([...process.execArgv, process.env.NODE_OPTIONS ?? ""].join(" "));
	#lookedOn = false;

	/** @param folder that exists; the report is named after the process and the thread */
	constructor(folder: string) {
		this.#file = join(folder, `${process.pid}-${threadId}.json`);
	}

	begin(): void {
		nodeModule.registerHooks?.({
			resolve: (specifier, context, nextResolve) => {
				if (specifier === "@armspan/register") this.#registerAsked = true;
				const resolved = nextResolve(specifier, context);
				this.#resolved(resolved.url, context.parentURL);
				return resolved;
			},
			load: (url, context, nextLoad) => {
				const loaded = nextLoad(url, context);
				if (this.#entries.has(url)) this.#copyOf(url)?.formats.add(loaded.format ?? "unknown");
				return loaded;
			},
		});
		process.on("uncaughtExceptionMonitor", (error: unknown) => {
			const { code } = error as { code?: unknown };
			this.#uncaught = `${typeof code === "string" ? `${code}: ` : ""}${String(error).split("\n", 1)[0]}`.slice(
				0,
				MAX_LINE_LENGTH,
			);
		});
		process.on("exit", () => this.#write());
		setInterval(() => this.#write(), WRITE_MS).unref();
		this.#write();
	}

	/** Register is not at work here. */
	failed(problem: string): void {
		this.#problem = problem;
		this.#write();
	}

	/** @param lookedOn whether nothing was set up, since the application does it */
	started(facts: () => StartedFacts, lookedOn = false): void {
		this.#facts = facts;
		this.#lookedOn = lookedOn;
		this.#write();
	}

	/** @param declared the class that was patched, or was not */
	readonly instrumented = (module: string, declared: unknown, patched: boolean): void => {
		this.#clients.push({ module: module.startsWith("file:") ? fileURLToPath(module) : module, declared, patched });
	};

	/** Keeps OpenTelemetry's complaints, too. */
	observe(logger: DiagLogger): DiagLogger {
		const keep =
			(write: DiagLogger["warn"]): DiagLogger["warn"] =>
			(message, ...values) => {
				const line = [message, ...values].map(String).join(" ").replace(/\s+/g, " ").slice(0, MAX_LINE_LENGTH);
				if (this.#diagnostics.length < MAX_DIAGNOSTICS) this.#diagnostics.push(line);
				write(message, ...values);
			};
		return { ...logger, warn: keep(logger.warn), error: keep(logger.error) };
	}

	#resolved(url: string, parent: string | undefined): void {
		const copy = this.#copyOf(url);
		if (copy === undefined) return;
		if (parent === undefined || this.#copyOf(parent) !== copy) this.#entries.add(url);
		if (parent?.startsWith("file:") === true && !isOfPackage(parent)) {
			// In a clone, Armspan's own packages lie outside node_modules.
			if (!parent.startsWith(OWN_PACKAGES)) copy.byApplication = true;
		}
	}

	#copyOf(url: string): Copy | undefined {
		const at = url.lastIndexOf("/node_modules/");
		if (!url.startsWith("file:") || at === -1) return undefined;
		const [scope = "", name = ""] = url.slice(at + "/node_modules/".length).split("/");
		const packageName = scope.startsWith("@") ? `${scope}/${name}` : scope;
		if (!WATCHED.test(packageName)) return undefined;
		const directory = fileURLToPath(`${url.slice(0, at)}/node_modules/${packageName}`);
		let copy = this.#copies.get(directory);
		if (copy === undefined) {
			copy = { name: packageName, version: versionIn(directory), formats: new Set(), byApplication: false };
			this.#copies.set(directory, copy);
		}
		return copy;
	}

	#setsUpOpenTelemetry(): boolean {
		return [...this.#copies.values()].some(({ name, byApplication }) => byApplication && OTEL_SET_UP.test(name));
	}

	#report(): StartupReport {
		const facts = this.#facts?.();
		return {
			schemaVersion: 1,
			pid: process.pid,
			nodeVersion: process.version,
			problem: this.#problem,
			mainFile: process.argv[1] ?? null,
			// Only what ran: the exports of a package may be resolved and not loaded.
			packages: [...this.#copies]
				.filter(([, { formats }]) => formats.size > 0)
				.map(([directory, copy]) => ({ ...copy, directory, formats: [...copy.formats] })),
			clients: this.#clients.map(({ module, patched, declared }) => ({
				module,
				patched,
				wrappedByOthers: isWrappedByOthers(declared),
			})),
			globalApiVersion: facts?.globalApiVersion ?? null,
			spanProcessors: facts?.spanProcessors ?? null,
			sampler: facts?.sampler ?? null,
			samplerDropsCalls: facts?.samplerDropsCalls ?? false,
			ownSetUp: facts?.startedByApplication === true && !this.#registerAsked && this.#setsUpOpenTelemetry(),
			lookedOn: this.#lookedOn,
			diagnostics: this.#diagnostics,
			uncaughtError: this.#uncaught,
			setUp: facts?.setUp ?? null,
		};
	}

	/** Renamed into place: the doctor may look, or end the process, at any time. */
	#write(): void {
		try {
			writeFileSync(`${this.#file}.new`, JSON.stringify(this.#report()));
			renameSync(`${this.#file}.new`, this.#file);
		} catch {
			// The doctor says that there is no report; the application goes on.
		}
	}
}

const OWN_PACKAGES = new URL("../../", import.meta.url).href;

/** By its name; the doctor itself brings it by its address. */
function asksForRegister(options: string): boolean {
	return /@armspan\/register(?=["'\s]|$)/.test(options);
}

/** Below a `node_modules`; what begins with a dot there is no package. */
function isOfPackage(url: string): boolean {
	const at = url.lastIndexOf("/node_modules/");
	return at !== -1 && url[at + "/node_modules/".length] !== ".";
}

function versionIn(directory: string): string {
	try {
		const { version } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as { version?: unknown };
		return typeof version === "string" ? version : "unknown";
	} catch {
		return "unknown";
	}
}

type Members = Readonly<Record<string, unknown>> | undefined | null;

/** OpenTelemetry's instrumentations mark what they wrap with `__wrapped`. */
function isWrappedByOthers(declared: unknown): boolean {
	const at = (value: unknown, ...path: readonly string[]): unknown =>
		path.reduce((inner, name) => (inner as Members)?.[name], value);
	const methods = [
		at(declared, "Chat", "Completions", "prototype", "create"),
		at(declared, "Responses", "prototype", "create"),
		at(declared, "Messages", "prototype", "create"),
		at(declared, "prototype", "generateContent"),
	];
	return methods.some((method) => at(method, "__wrapped") === true || at(method, "__original") !== undefined);
}
