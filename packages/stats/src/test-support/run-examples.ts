import { execFileSync } from "node:child_process";

/** Runs in a process of its own, so that examples print to a real console. Every example is a module of its own. */
const RUNNER = `
import { registerHooks } from "node:module";
import { text } from "node:stream/consumers";

const examples = JSON.parse(await text(process.stdin));
const base = "file://" + process.cwd() + "/";
registerHooks({
	resolve(specifier, context, next) {
		if (specifier.startsWith("example:")) return { url: specifier, format: "module-typescript", shortCircuit: true };
		const inside = context.parentURL?.startsWith("example:");
		return next(specifier, inside ? { ...context, parentURL: base + "example.ts" } : context);
	},
	load(url, context, next) {
		if (!url.startsWith("example:")) return next(url, context);
		return { format: "module-typescript", source: examples[url.slice("example:".length)], shortCircuit: true };
	},
});
for (const position of examples.keys()) {
	try {
		await import("example:" + position);
	} catch (error) {
		console.log(error);
	}
	process.stdout.write("\\0");
}
`;

/** What each TypeScript module prints, unedited, resolved as if it lay in `folder`; its error if it throws. */
export function runExamples(examples: readonly string[], folder: string): string[] {
	const printed = execFileSync(
		process.execPath,
		["--conditions=armspan-source", "--input-type=module", "--eval", RUNNER],
		{ cwd: folder, encoding: "utf8", input: JSON.stringify(examples) },
	);
	return printed.split("\0").slice(0, -1);
}
