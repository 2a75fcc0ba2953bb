import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

const MAIN = new URL("../main.ts", import.meta.url).href;
const PROGRAM = `import { main } from ${JSON.stringify(MAIN)}; process.exitCode = await main(["node", "armspan", ...process.argv.slice(1)]);`;

export interface Ended {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

/** Runs the command line in a process of its own, from its sources. */
export async function runArmspan(
	args: readonly string[],
	options: { readonly stdin?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ended> {
	const child = spawn(
		process.execPath,
		["--conditions=armspan-source", "--input-type=module", "--eval", PROGRAM, "--", ...args],
		// vitest's own settings would reach the program.
		{ env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env } },
	);
	child.stdin.end(options.stdin ?? "");
	const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
	return { code, stdout, stderr };
}
