import { execFileSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** @param onFinished vitest's `onTestFinished` */
export function temporaryFolder(onFinished: (cleanUp: () => void) => void): string {
	const folder = realpathSync(mkdtempSync(join(tmpdir(), "armspan-registry-")));
	onFinished(() => rmSync(folder, { recursive: true, force: true }));
	return folder;
}

/** git as a person would use it, with an identity and without anybody's configuration. */
export function git(directory: string, ...gitArguments: string[]): string {
	const env = { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", LC_ALL: "C" };
	const identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
	return execFileSync("git", [...identity, ...gitArguments], { cwd: directory, env, encoding: "utf8", stdio: "pipe" });
}

export async function writeFiles(directory: string, files: Record<string, string | Uint8Array>): Promise<void> {
	for (const [file, content] of Object.entries(files)) {
		await mkdir(dirname(join(directory, file)), { recursive: true });
		await writeFile(join(directory, file), content);
	}
}

export async function commitAll(directory: string, files: Record<string, string | Uint8Array>): Promise<void> {
	await writeFiles(directory, files);
	git(directory, "add", "--all");
	git(directory, "commit", "--quiet", "-m", "Change");
}
