import { createRequire, registerHooks } from "node:module";
import { instrumentOpenAi } from "./instrument-openai.ts";

const HOOK = "armspan.instrument.openai";

/** The module that declares `class OpenAI`: `client` since version 5, `index` before; ESM and CommonJS. */
const DECLARING_MODULE = /[\\/]node_modules[\\/]openai[\\/](?:client|index)\.m?js$/;

/** Runs where the class is in scope, whichever copy of the package it is. */
const SUFFIX = `\n;try{typeof OpenAI==="function"&&globalThis[Symbol.for("${HOOK}")]?.(OpenAI)}catch{}\n`;

/**
 * Instruments every copy of `openai` that is loaded from now on, and the CommonJS copies loaded before.
 *
 * A line is added to the module that declares the class, through Node's synchronous hooks, which serve `import` and
 * `require` alike. No wrapper module stands between, so other tools' hooks (import-in-the-middle) may be there too.
 */
export function hookOpenAi(): void {
	Object.defineProperty(globalThis, Symbol.for(HOOK), { value: instrumentOpenAi, configurable: true, writable: true });
	registerHooks({
		load(url, context, nextLoad) {
			const loaded = nextLoad(url, context);
			const { source } = loaded;
			if (source === null || source === undefined || !DECLARING_MODULE.test(pathOf(url))) return loaded;
			const text = typeof source === "string" ? source : new TextDecoder().decode(source);
			return { ...loaded, source: text + SUFFIX };
		},
	});
	for (const [file, module] of Object.entries(createRequire(import.meta.url).cache)) {
		if (DECLARING_MODULE.test(file)) instrumentOpenAi((module?.exports as { OpenAI?: unknown } | undefined)?.OpenAI);
	}
}

/** Other tools tell their copies apart by a query. */
function pathOf(url: string): string {
	const end = url.search(/[?#]/);
	return end === -1 ? url : url.slice(0, end);
}
