import { mkdir, readdir, readFile, realpath, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import {
	commitFiles,
	compareAndSwapRef,
	configuredAuthor,
	type FileToCommit,
	identityEnvironment,
} from "./commit-files.ts";
import { firstLine, type Git, gitIn } from "./git.ts";
import { releaseTag } from "./read-releases.ts";
import type { Author } from "./registry.ts";
import { RegistryError } from "./registry-error.ts";

const STARTER = new URL("../starter/", import.meta.url);
const OWN_FOLDERS = ["prompts", "experiments", "environments"];
const PROMPT = "support-reply";

/**
 * Writes, commits and tags a starter repository, ready to run: one prompt in two versions,
 * an experiment between them, an environment.
 * @param directory empty, not there yet, or a git repository without prompts/, experiments/ and environments/
 * @returns the files written, as paths inside the repository
 * @throws {RegistryError} DIRECTORY_NOT_EMPTY, VERSION_EXISTS, GIT_MISSING
 */
export async function initRepository(
	directory: string,
	options: { readonly author?: Author } = {},
): Promise<{ files: string[] }> {
	const path = resolve(directory);
	await mkdir(path, { recursive: true });
	const top = await realpath(path);
	const git = gitIn(top);
	const existing = await readdir(top);
	const isRepository = existing.includes(".git");
	refuseOccupied(path, existing, isRepository);
	if (!isRepository) await git(["init", "--quiet", "--template=", "--initial-branch=main"]);
	const author = options.author ?? (await configuredAuthor(git));
	await refuseReleased(git, path);

	const starter = (name: string) => readFile(new URL(name, STARTER));
	const first: FileToCommit[] = [
		{ path: `prompts/${PROMPT}.prompt`, bytes: await starter(`prompts/${PROMPT}.1.0.0.prompt`) },
		{ path: "environments/production.yaml", bytes: await starter("environments/production.yaml") },
	];
	// An existing repository keeps its own.
	if (!existing.includes("README.md")) first.push({ path: "README.md", bytes: await starter("README.md") });
	if (!existing.includes(".gitignore")) first.push({ path: ".gitignore", bytes: await starter("gitignore") });
	const second: FileToCommit[] = [
		{ path: `prompts/${PROMPT}.prompt`, bytes: await starter(`prompts/${PROMPT}.2.0.0.prompt`) },
		{ path: "experiments/support-tone.yaml", bytes: await starter("experiments/support-tone.yaml") },
	];

	await commitAndRelease(git, path, author, first, "1.0.0", "Support reply: short and factual");
	await commitAndRelease(
		git,
		path,
		author,
		second,
		"2.0.0",
		"Support reply: friendly and complete; experiment support-tone",
	);

	const files = new Map([...first, ...second].map((file) => [file.path, file.bytes]));
	for (const [file, bytes] of files) {
		await mkdir(dirname(join(top, file)), { recursive: true });
		// "wx": a file that somebody wrote in the meantime is not overwritten.
		await writeFile(join(top, file), bytes, { flag: "wx" });
	}
	return { files: [...files.keys()].sort() };
}

function refuseOccupied(path: string, existing: readonly string[], isRepository: boolean): void {
	const inTheWay = isRepository ? existing.filter((name) => OWN_FOLDERS.includes(name)) : existing;
	if (inTheWay.length === 0) return;
	const names = inTheWay.toSorted().slice(0, 3).join(", ");
	const message = isRepository
		? `${path} already has ${names}; it looks initialised: armspan up`
		: `${path} is not empty (${names}); choose a new folder, or run git init in this one first`;
	throw new RegistryError("DIRECTORY_NOT_EMPTY", message, { directory: path });
}

async function refuseReleased(git: Git, path: string): Promise<void> {
	const { stdout } = await git([
		"for-each-ref",
		"--count=1",
		"--format=%(refname:short)",
		`refs/tags/prompts/${PROMPT}@*`,
	]);
	const tag = stdout.toString("utf8").trim();
	if (tag === "") return;
	const message = `the tag ${tag} exists already in ${path}; choose a new folder`;
	throw new RegistryError("VERSION_EXISTS", message, { directory: path });
}

async function commitAndRelease(
	git: Git,
	path: string,
	author: Author,
	files: readonly FileToCommit[],
	version: string,
	message: string,
): Promise<void> {
	const ref = firstLine(await git(["symbolic-ref", "--quiet", "HEAD"], { accept: [1] })) || "HEAD";
	const { stdout } = await git(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], { accept: [1, 128] });
	const parent = stdout.toString("utf8").trim() || null;
	const { commit, objectIds } = await commitFiles(git, parent, files, { message, author });
	if (!(await compareAndSwapRef(git, ref, commit, parent, "armspan: init"))) {
		const text = `somebody else committed to ${path} at the same time; run armspan init again`;
		throw new RegistryError("CONCURRENT_COMMITS", text, { directory: path });
	}
	const entries = files.map((file, i) => `100644 ${objectIds[i]}\t${file.path}\0`).join("");
	await git(["update-index", "-z", "--add", "--index-info"], { input: entries });
	await git(["tag", "-a", "--no-sign", "-m", message, "--end-of-options", releaseTag(PROMPT, version), commit], {
		environment: identityEnvironment(author),
	});
}
