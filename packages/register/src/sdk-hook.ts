import { createRequire, registerHooks } from "node:module";
import { lacksOwnRequire, loadPatiently, withOwnRequire } from "./commonjs-require.ts";
import { instrumentAnthropic } from "./instrument-anthropic.ts";
import { instrumentGoogleGenAi } from "./instrument-google-genai.ts";
import { instrumentOpenAi } from "./instrument-openai.ts";
import { bindLangChainCallbacks } from "./langchain-callbacks.ts";

interface HookedSdk {
	/** The module that declares the class; ESM and CommonJS. */
	readonly module: RegExp;
	/** The class, as that module calls it. */
	readonly className: string;
	readonly instrument: (declared: unknown) => boolean;
	/** Finds the class in the exports of a module that was required before. */
	readonly ofExports: (exports: Readonly<Record<string, unknown>>) => unknown;
}

const SDKS: readonly HookedSdk[] = [
	{
		// `client` since version 5, `index` before.
		module: /[\\/]node_modules[\\/]openai[\\/](?:client|index)\.m?js$/,
		className: "OpenAI",
		instrument: instrumentOpenAi,
		ofExports: ({ OpenAI }) => OpenAI,
	},
	{
		// `client` since version 0.39, `index` before.
		module: /[\\/]node_modules[\\/]@anthropic-ai[\\/]sdk[\\/](?:client|index)\.m?js$/,
		className: "Anthropic",
		instrument: instrumentAnthropic,
		ofExports: ({ Anthropic }) => Anthropic,
	},
	{
		module: /[\\/]node_modules[\\/]@google[\\/]genai[\\/]dist[\\/](?:node[\\/]|web[\\/])?index\.[cm]?js$/,
		className: "Models",
		instrument: instrumentGoogleGenAi,
		ofExports: ({ Models }) => Models,
	},
	{
		// No class, but the function that gives the queue of callbacks.
		module: /[\\/]node_modules[\\/]@langchain[\\/]core[\\/]dist[\\/]singletons[\\/]callbacks\.c?js$/,
		className: "getQueue",
		instrument: bindLangChainCallbacks,
		ofExports: ({ getQueue }) => getQueue,
	},
];

/** Told of every class that is met, and whether it could be instrumented. */
export type SdkObserver = (module: string, declared: unknown, instrumented: boolean) => void;

/**
 * Instruments every copy of the LLM SDKs that is loaded from now on, and the CommonJS copies loaded before.
 *
 * A line is added to the module that declares the class, through Node's synchronous hooks, which serve `import` and
 * `require` alike. No wrapper module stands between, so other tools' hooks (import-in-the-middle) may be there too.
 */
export function hookSdks(observe?: SdkObserver): void {
	for (const { className, instrument } of SDKS) {
		const value = (declared: unknown, module: string) => observe?.(module, declared, instrument(declared));
		Object.defineProperty(globalThis, hookOf(className), {
			value: observe === undefined ? instrument : value,
			configurable: true,
			writable: true,
		});
	}
	registerHooks({
		load(url, context, nextLoad) {
			const loaded = loadPatiently(url, context.format, () => nextLoad(url, context));
			const { source } = loaded;
			if (source === null || source === undefined) return loaded;
			const path = pathOf(url);
			const sdk = SDKS.find(({ module }) => module.test(path));
			const lacksRequire = lacksOwnRequire(loaded.format, context);
			if (sdk === undefined && !lacksRequire) return loaded;
			const text = typeof source === "string" ? source : new TextDecoder().decode(source);
			const suffix = sdk === undefined ? "" : suffixOf(sdk.className, path);
			return { ...loaded, source: (lacksRequire ? withOwnRequire(text) : text) + suffix };
		},
	});
	for (const [file, module] of Object.entries(createRequire(import.meta.url).cache)) {
		const sdk = SDKS.find((candidate) => candidate.module.test(file));
		const exports: unknown = module?.exports;
		if (sdk === undefined || exports === null || exports === undefined) continue;
		const declared = sdk.ofExports(exports as Readonly<Record<string, unknown>>);
		const instrumented = sdk.instrument(declared);
		observe?.(file, declared, instrumented);
	}
}

/** Runs where the class is in scope, whichever copy of the package it is; `index` of later versions only exports it. */
function suffixOf(className: string, module: string): string {
	const hook = `globalThis[Symbol.for("${hookOf(className).description}")]`;
	return `\n;try{typeof ${className}==="function"&&${hook}?.(${className},${JSON.stringify(module)})}catch{}\n`;
}

function hookOf(className: string): symbol {
	return Symbol.for(`armspan.instrument.${className}`);
}

/** Other tools tell their copies apart by a query. */
function pathOf(url: string): string {
	const end = url.search(/[?#]/);
	return end === -1 ? url : url.slice(0, end);
}
