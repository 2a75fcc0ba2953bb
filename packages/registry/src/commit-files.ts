import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firstLine, type Git } from "./git.ts";
import type { Author, CommitDescription } from "./registry.ts";
import { RegistryError } from "./registry-error.ts";

export const ARMSPAN_AUTHOR: Author = { name: "Armspan", email: "armspan@localhost" };

export interface FileToCommit {
	/** Path inside the repository, with `/`. */
	readonly path: string;
	readonly bytes: Uint8Array;
	readonly mode?: string;
}

export interface MadeCommit {
	readonly commit: string;
	/** Object ids of the written blobs, in the order of the files. */
	readonly objectIds: readonly string[];
}

/**
 * Makes a commit without touching work tree, index or any ref: nobody's edit can be in the way,
 * and a crash leaves unreferenced objects only.
 */
export async function commitFiles(
	git: Git,
	parent: string | null,
	files: readonly FileToCommit[],
	description: CommitDescription,
): Promise<MadeCommit> {
	const message = commitMessage(description);
	const objectIds: string[] = [];
	for (const { bytes } of files) {
		objectIds.push(firstLine(await git(["hash-object", "-w", "--no-filters", "--stdin"], { input: bytes })));
	}
	const folder = await mkdtemp(join(tmpdir(), "armspan-index-"));
	try {
		const environment = { GIT_INDEX_FILE: join(folder, "index") };
		await git(parent === null ? ["read-tree", "--empty"] : ["read-tree", parent], { environment });
		const input = files.map(({ path, mode }, i) => `${mode ?? "100644"} ${objectIds[i]}\t${path}\0`).join("");
		await git(["update-index", "-z", "--add", "--index-info"], { environment, input });
		const tree = firstLine(await git(["write-tree"], { environment }));
		const commit = firstLine(
			await git(["commit-tree", tree, ...(parent === null ? [] : ["-p", parent]), "-F", "-"], {
				environment: identityEnvironment(description.author ?? ARMSPAN_AUTHOR),
				input: message,
			}),
		);
		return { commit, objectIds };
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/**
 * Moves `ref` from one commit to another, only if nobody moved it in between.
 * @param from `null` when the ref must not exist yet
 */
export async function compareAndSwapRef(
	git: Git,
	ref: string,
	to: string,
	from: string | null,
	reason: string,
): Promise<boolean> {
	try {
		await git(["update-ref", "--create-reflog", "--no-deref", "-m", reason, ref, to, from ?? ""]);
		return true;
	} catch (error) {
		if (!(error instanceof RegistryError) || error.code !== "GIT_FAILED") throw error;
		const { stdout } = await git(["rev-parse", "--verify", "--quiet", ref], { accept: [1, 128] });
		const moved = (stdout.toString("utf8").trim() || null) !== from;
		const locked = /\.lock': File exists/.test(error.details.stderr ?? "");
		if (moved || locked) return false;
		throw error;
	}
}

export function identityEnvironment({ name, email }: Author): Record<string, string> {
	for (const [field, value] of Object.entries({ name, email })) {
		// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
		if (!/^[^<>\x00-\x1f\x7f]{1,200}$/.test(value) || value.trim() === "") {
			const message = `invalid author ${field}: ${JSON.stringify(value)}; expected text without "<", ">" and line ends`;
			throw new RegistryError("INVALID_ARGUMENT", message);
		}
	}
	return { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email };
}

/** The person that git is configured for, else Armspan. */
export async function configuredAuthor(git: Git): Promise<Author> {
	const name = firstLine(await git(["config", "--get", "user.name"], { accept: [1] }));
	const email = firstLine(await git(["config", "--get", "user.email"], { accept: [1] }));
	return name.trim() && email.trim() ? { name, email } : ARMSPAN_AUTHOR;
}

/** Message with its trailers. @throws {RegistryError} INVALID_ARGUMENT */
export function commitMessage({ message, trailers = {} }: Pick<CommitDescription, "message" | "trailers">): string {
	const text = message.trim();
	if (text === "" || text.includes("\0")) {
		throw new RegistryError("INVALID_ARGUMENT", `invalid message: ${JSON.stringify(message)}; expected a sentence`);
	}
	const lines = Object.entries(trailers).map(([key, value]) => {
		// A line end in a value would let it forge further trailers.
		// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
		if (!/^[A-Za-z][A-Za-z0-9-]*$/.test(key) || /[\x00-\x1f\x7f]/.test(value)) {
			const found = JSON.stringify(`${key}: ${value}`);
			throw new RegistryError("INVALID_ARGUMENT", `invalid trailer: ${found}; expected "Some-Key: text on one line"`);
		}
		return `${key}: ${value}`;
	});
	return lines.length === 0 ? `${text}\n` : `${text}\n\n${lines.join("\n")}\n`;
}
