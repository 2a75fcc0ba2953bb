import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Since Node 26 a CommonJS module has Node's own `require` however it is loaded. */
const OWN_REQUIRE_SINCE_MAJOR = 26;

const GIVE_OWN_REQUIRE =
	'if(typeof require==="function"&&require.cache===undefined&&typeof require.resolve==="function")' +
	'require=process.getBuiltinModule("node:module").createRequire(__filename);';

const HASHBANG = /^#!.*(?:\r?\n|$)/;
const USE_STRICT = /^(?:\s|\/\*[\s\S]*?\*\/|\/\/.*(?:\r?\n|$))*(["'])use strict\1/;

interface LoadContext {
	readonly conditions: Iterable<string>;
}

/**
 * Whether Node would run a module with a `require` of the ES module loader. It does so, before version 26, with a
 * CommonJS module that is the program's main file or is imported, as soon as any load hook is registered, by whomever.
 * That `require` has no `cache`, and before Node 24.10 it throws when what is required is an ES module.
 */
export function lacksOwnRequire(format: unknown, context: LoadContext, nodeVersion = process.versions.node): boolean {
	if (typeof format !== "string" || !format.startsWith("commonjs")) return false;
	if (Number.parseInt(nodeVersion, 10) >= OWN_REQUIRE_SINCE_MAJOR) return false;
	return [...context.conditions].includes("import");
}

/** The module's source, which begins by taking Node's own `require` where it was given another; lines stay as they are. */
export function withOwnRequire(source: string): string {
	const hashbang = HASHBANG.exec(source)?.[0] ?? "";
	const rest = source.slice(hashbang.length);
	// A directive is one only at the beginning.
	const strict = USE_STRICT.test(rest) ? '"use strict";' : "";
	return hashbang + strict + GIVE_OWN_REQUIRE + rest;
}

/**
 * Loads by the next hook. Where another tool has registered asynchronous hooks (import-in-the-middle), Node 22 gets no
 * source of a CommonJS module from them, and then refuses just that: the application would not start.
 */
export function loadPatiently<Loaded>(
	url: string,
	format: string | null | undefined,
	load: () => Loaded,
): Loaded | { format: string; source: string; shortCircuit: true } {
	try {
		return load();
	} catch (error) {
		const { code } = error as { code?: unknown };
		// import-in-the-middle resolves without a format; of what it loads, only CommonJS comes without a source.
		const known = format ?? (/\.c?js(?:\?.*)?$/.test(url) ? "commonjs" : "");
		const isRefused = code === "ERR_INVALID_RETURN_PROPERTY_VALUE" && known.startsWith("commonjs");
		if (!isRefused || !url.startsWith("file:")) throw error;
		return { format: known, source: readFileSync(fileURLToPath(url), "utf8"), shortCircuit: true };
	}
}
