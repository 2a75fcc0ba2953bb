import { execFile, spawn } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));
const execute = promisify(execFile);

/** What an application that uses Armspan installs from us, in the order of their dependencies. */
const OWN_PACKAGES = ["schema", "prompt", "router", "instrumentation", "register"];

async function npm(folder: string, ...values: string[]): Promise<void> {
	const quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--loglevel=error"];
	await execute("npm", [...values, ...quiet], { cwd: folder, maxBuffer: 1 << 26 });
}

/** Packs our packages as they would be published. They must have been built. @returns the tarballs */
export async function packOwnPackages(folder: string): Promise<string[]> {
	mkdirSync(folder, { recursive: true });
	for (const name of OWN_PACKAGES) await npm(join(root, "packages", name), "pack", "--pack-destination", folder);
	return readdirSync(folder).map((file) => join(folder, file));
}

/** Installs a version of Node outside of the repository. @returns the program */
export async function installNode(folder: string, version: string): Promise<string> {
	if (process.version === `v${version}`) return process.execPath;
	const name = `node-${process.platform}-${process.arch}`;
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "node", private: true }));
	await npm(folder, "install", "--save-exact", `${name}@${version}`);
	return join(folder, "node_modules", name, "bin", "node");
}

/** Makes an application that depends on exactly these versions and on our tarballs. */
export async function installApplication(
	folder: string,
	packages: Readonly<Record<string, string>>,
	tarballs: readonly string[],
): Promise<void> {
	mkdirSync(folder, { recursive: true });
	const own = Object.fromEntries(
		tarballs.map((file) => [`@armspan/${/armspan-([a-z]+)-[^/]*$/.exec(file)![1]}`, `file:${file}`]),
	);
	// Our packages are not in the registry: those that they depend on come from the tarballs, too.
	const manifest = { name: "application", private: true, dependencies: { ...packages, ...own }, overrides: own };
	writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
	await npm(folder, "install");
}

export interface ProgramRun {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

/** Runs a file of an application, with nothing of this process's own set-up in its environment. */
export function runProgram(
	node: string,
	folder: string,
	values: readonly string[],
	env: Readonly<Record<string, string>>,
): Promise<ProgramRun> {
	const kept = Object.entries(process.env).filter(([name]) => !/^(?:OTEL|ARMSPAN|VITEST|NODE_|npm_)/.test(name));
	const child = spawn(node, [...values], { cwd: folder, env: { ...Object.fromEntries(kept), ...env } });
	let stdout = "";
	let stderr = "";
	child.stdout.on("data", (chunk) => {
		stdout += chunk;
	});
	child.stderr.on("data", (chunk) => {
		stderr += chunk;
	});
	return new Promise((resolve, reject) => {
		child.on("error", reject);
		child.on("close", (code) => resolve({ code, stdout, stderr }));
	});
}
