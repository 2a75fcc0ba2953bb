/**
 * Adds to package-lock.json the optional packages of other platforms that npm left out.
 *
 * npm 11.19 refuses `npm ci` when an optional dependency has no entry, and users on other
 * platforms would get no binary. Run after every `npm install`: `npm run lock`.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { type LockEntry, type LockFile, missingOptionalPackages, platformOfName } from "./lock-file.ts";

interface Manifest {
	version: string;
	os?: string[] | string;
	cpu?: string[] | string;
	libc?: string[] | string;
	license?: string;
	engines?: Record<string, string>;
	dist: { tarball: string; integrity: string };
}

/** The registry's word on a package, or `undefined` where the registry that is reached does not hold it. */
function manifestOf(name: string, range: string): Manifest | undefined {
	try {
		const answer = JSON.parse(
			execFileSync(
				"npm",
				["view", `${name}@${range}`, "version", "os", "cpu", "libc", "license", "engines", "dist", "--json"],
				{
					encoding: "utf8",
					stdio: ["ignore", "pipe", "ignore"],
				},
			),
		) as Manifest | Manifest[];
		return Array.isArray(answer) ? answer.at(-1) : answer;
	} catch (error) {
		const { stdout } = error as { stdout?: string };
		if (stdout?.includes('"E404"')) {
			return undefined;
		}
		throw error;
	}
}

const list = (value: string[] | string | undefined) => (value === undefined ? undefined : [value].flat());

function lockEntry(name: string, range: string): LockEntry {
	const manifest = manifestOf(name, range);
	if (manifest === undefined) {
		// Without integrity, but npm accepts it, and the user's own registry resolves it.
		return { version: range.replace(/^[~^]/, ""), optional: true, ...platformOfName(name) };
	}
	const { os, cpu, libc } = { os: list(manifest.os), cpu: list(manifest.cpu), libc: list(manifest.libc) };
	return {
		version: manifest.version,
		integrity: manifest.dist.integrity,
		...(cpu ? { cpu } : {}),
		...(libc ? { libc } : {}),
		...(manifest.license ? { license: manifest.license } : {}),
		optional: true,
		...(os ? { os } : {}),
		...(manifest.engines ? { engines: manifest.engines } : {}),
	};
}

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8")) as LockFile;
const missing = missingOptionalPackages(lock);
for (const { name, range, at } of missing) {
	lock.packages[at] = lockEntry(name, range);
}
if (missing.length > 0) {
	lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
	writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
}
process.stderr.write(`${missing.length} entries added, ${missingOptionalPackages(lock).length} missing\n`);
