import { createHash } from "node:crypto";
import { realpath, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { changeExperiment } from "./change-experiment.ts";
import { type Git, gitIn } from "./git.ts";
import { resolveCommit } from "./git-objects.ts";
import { readSnapshot } from "./read-snapshot.ts";
import type { CommitHistory, Registry } from "./registry.ts";
import { RegistryError } from "./registry-error.ts";
import { releasePrompt } from "./release-prompt.ts";

/** Whatever a snapshot or a release may come from. */
const FOLDERS = ["prompts", "experiments", "environments", "metrics"] as const;

/**
 * Opens the repository whose top folder (or bare git folder) is `directory`.
 * @throws {RegistryError} NO_REPOSITORY, GIT_MISSING
 */
export async function openRegistry(directory: string): Promise<Registry> {
	const path = resolve(directory);
	const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
		throw noRepository(path, `cannot be opened (${cause.code ?? cause.message})`, cause);
	});
	if (!found.isDirectory()) throw noRepository(path, "is not a folder");
	const top = await realpath(path);
	const git = gitIn(top);
	const { gitDirectory, bare } = await locate(git, path);
	const repository = { git, directory: top, gitDirectory, bare };

	return {
		directory: top,
		bare,
		fingerprint: () => fingerprint(git),
		snapshot: (ref = "HEAD") => readSnapshot(git, top, ref),
		history: (ref, limit) => readHistory(git, top, ref, limit),
		uncommittedFiles: async () => (bare ? [] : listUncommitted(git)),
		changeExperiment: (key, edit, commit) => changeExperiment(repository, key, edit, commit),
		releasePrompt: (name, version, release) => releasePrompt(repository, name, version, release),
	};
}

async function fingerprint(git: Git): Promise<string> {
	// Exit code 1: neither HEAD nor a tag, a repository without a commit.
	const { stdout } = await git(["show-ref", "--head", "--tags"], { accept: [1] });
	return createHash("sha256").update(stdout).digest("hex");
}

async function locate(git: Git, path: string): Promise<{ gitDirectory: string; bare: boolean }> {
	try {
		const { stdout } = await git(["rev-parse", "--path-format=absolute", "--git-common-dir", "--is-bare-repository"]);
		const [gitDirectory = "", bare] = stdout.toString("utf8").split("\n");
		return { gitDirectory, bare: bare === "true" };
	} catch (error) {
		if (!(error instanceof RegistryError) || error.code !== "GIT_FAILED") throw error;
		const stderr = error.details.stderr ?? "";
		// "dubious ownership" comes with git's own instruction, which is the right one.
		if (!/not a git repository/i.test(stderr)) throw error;
		throw noRepository(path, "is not the top of a git repository", error);
	}
}

function noRepository(path: string, reason: string, cause?: unknown): RegistryError {
	return new RegistryError(
		"NO_REPOSITORY",
		`${path} ${reason}; next: armspan init ${path}`,
		{ directory: path },
		cause,
	);
}

async function readHistory(git: Git, directory: string, ref: string, limit: number): Promise<CommitHistory> {
	const tip = await resolveCommit(git, directory, ref);
	const { stdout } = await git(["rev-list", "--first-parent", `--max-count=${limit}`, tip, "--", ...FOLDERS]);
	const touching = stdout.toString("utf8").split("\n").filter(Boolean);
	const shallow = await git(["rev-parse", "--is-shallow-repository"]);
	return {
		commits: [tip, ...touching.filter((commit) => commit !== tip)].slice(0, limit),
		isShallow: shallow.stdout.toString("utf8").trim() === "true",
	};
}

async function listUncommitted(git: Git): Promise<string[]> {
	const options = ["--porcelain=v1", "-z", "--no-renames", "--untracked-files=all"];
	const { stdout } = await git(["status", ...options, "--", ...FOLDERS]);
	const files = stdout
		.toString("utf8")
		.split("\0")
		.filter(Boolean)
		.map((record) => record.slice(3));
	return [...new Set(files)].sort();
}
