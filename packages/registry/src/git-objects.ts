import type { Git } from "./git.ts";
import { RegistryError } from "./registry-error.ts";

export interface TreeEntry {
	readonly mode: string;
	readonly type: string;
	readonly objectId: string;
	/** Bytes; `null` when the entry is no blob. */
	readonly size: number | null;
	readonly path: string;
}

export interface ObjectHeader {
	readonly objectId: string;
	readonly type: string;
	readonly size: number;
}

/** Entries below `paths` at the commit. A path that is not there has no entries. */
export async function listTree(git: Git, commit: string, paths: readonly string[]): Promise<TreeEntry[]> {
	const { stdout } = await git(["ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--", ...paths]);
	return stdout
		.toString("utf8")
		.split("\0")
		.filter((record) => record !== "")
		.map((record) => {
			const tab = record.indexOf("\t");
			const [mode = "", type = "", objectId = "", size = "-"] = record.slice(0, tab).split(/ +/);
			return { mode, type, objectId, size: size === "-" ? null : Number(size), path: record.slice(tab + 1) };
		});
}

/** Headers of the named objects, in their order; `null` for a name that leads nowhere. Names must hold no newline. */
export async function objectHeaders(git: Git, names: readonly string[]): Promise<(ObjectHeader | null)[]> {
	if (names.length === 0) return [];
	const { stdout } = await git(["cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)"], {
		input: `${names.join("\n")}\n`,
	});
	const lines = stdout.toString("utf8").split("\n");
	return names.map((_, index) => {
		const match = /^([0-9a-f]{40,64}) ([a-z]+) (\d+)$/.exec(lines[index] ?? "");
		return match ? { objectId: match[1]!, type: match[2]!, size: Number(match[3]) } : null;
	});
}

/** Contents of blobs by object id, with one process. */
export async function readBlobs(git: Git, objectIds: Iterable<string>): Promise<Map<string, Buffer>> {
	const wanted = [...new Set(objectIds)];
	const blobs = new Map<string, Buffer>();
	if (wanted.length === 0) return blobs;
	const { stdout } = await git(["cat-file", "--batch"], { input: `${wanted.join("\n")}\n` });
	let offset = 0;
	for (const objectId of wanted) {
		const headerEnd = stdout.indexOf(10, offset);
		const header = /^[0-9a-f]+ blob (\d+)$/.exec(stdout.toString("latin1", offset, headerEnd));
		if (!header) {
			const found = stdout.toString("latin1", offset, headerEnd);
			throw new RegistryError("GIT_FAILED", `object ${objectId} cannot be read: git answered "${found}"`);
		}
		const start = headerEnd + 1;
		const end = start + Number(header[1]);
		blobs.set(objectId, stdout.subarray(start, end));
		offset = end + 1;
	}
	return blobs;
}

/** Full id of the commit that `ref` names. @throws {RegistryError} NO_COMMIT, UNKNOWN_REF */
export async function resolveCommit(git: Git, directory: string, ref: string): Promise<string> {
	// git itself would take a leading "-" for an option and a newline for a second revision.
	if (!/^[^\s-][^\s]{0,250}$/.test(ref)) {
		throw new RegistryError(
			"INVALID_ARGUMENT",
			`invalid ref: ${JSON.stringify(ref)}; expected a branch, tag or commit`,
		);
	}
	const { stdout, exitCode } = await git(["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`], {
		accept: [1, 128],
	});
	const commit = stdout.toString("utf8").trim();
	if (exitCode === 0 && /^[0-9a-f]{40,64}$/.test(commit)) return commit;
	if (ref === "HEAD") {
		throw new RegistryError(
			"NO_COMMIT",
			`${directory} has no commit yet; next: git add . && git commit -m "Prompts and experiments"`,
			{ directory },
		);
	}
	throw new RegistryError(
		"UNKNOWN_REF",
		`unknown ref: ${ref}; \`git branch --all\` and \`git tag\` list what there is`,
		{
			directory,
		},
	);
}
