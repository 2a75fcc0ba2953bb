import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Name } from "@armspan/schema";
import type { Document } from "yaml";
import { ARMSPAN_AUTHOR, commitFiles, commitMessage, compareAndSwapRef, identityEnvironment } from "./commit-files.ts";
import { editYaml } from "./edit-yaml.ts";
import { firstLine, type Git } from "./git.ts";
import { listTree, readBlobs, resolveCommit } from "./git-objects.ts";
import { readExperiment } from "./read-snapshot.ts";
import type { CommitDescription, ExperimentChange } from "./registry.ts";
import { invalidRepository, RegistryError, type RepositoryIssue } from "./registry-error.ts";
import { withRepositoryLock } from "./repository-lock.ts";
import { StrictYaml } from "./strict-yaml.ts";
import { bringWorkTreeAlong, isUnchangedFile } from "./work-tree.ts";

const MAX_ATTEMPTS = 60;

interface Repository {
	readonly git: Git;
	readonly directory: string;
	readonly gitDirectory: string;
	readonly bare: boolean;
}

/** @throws {RegistryError} NOT_FOUND, INVALID_REPOSITORY, INVALID_EDIT, CONCURRENT_COMMITS */
export async function changeExperiment(
	repository: Repository,
	key: string,
	edit: (document: Document) => void,
	description: CommitDescription,
): Promise<ExperimentChange> {
	const name = Name.safeParse(key);
	if (!name.success) {
		const reason = name.error.issues[0]?.message ?? "not a valid name";
		throw new RegistryError("INVALID_ARGUMENT", `invalid experiment key: ${JSON.stringify(key)}; ${reason}`);
	}
	// Both throw on bad input, and should before anything is written.
	commitMessage(description);
	identityEnvironment(description.author ?? ARMSPAN_AUTHOR);

	return withRepositoryLock(`${repository.gitDirectory}/armspan.lock`, async () => {
		for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
			const change = await tryChange(repository, `experiments/${key}.yaml`, key, edit, description);
			if (change) return change;
			await sleep(Math.random() * Math.min(10 * attempt, 200));
		}
		throw new RegistryError(
			"CONCURRENT_COMMITS",
			`experiments/${key}.yaml could not be changed: others kept committing during ${MAX_ATTEMPTS} attempts; try again`,
			{ directory: repository.directory },
		);
	});
}

/** One attempt on the newest commit; `undefined` when somebody else's commit came first. */
async function tryChange(
	{ git, directory, bare }: Repository,
	file: string,
	key: string,
	edit: (document: Document) => void,
	description: CommitDescription,
): Promise<ExperimentChange | undefined> {
	const ref = firstLine(await git(["symbolic-ref", "--quiet", "HEAD"], { accept: [1] })) || "HEAD";
	const head = await resolveCommit(git, directory, "HEAD");
	const entry = (await listTree(git, head, [file])).find(({ path }) => path === file);
	if (entry?.type !== "blob" || entry.mode === "120000") {
		const message = `no experiment "${key}": ${file} is not in commit ${head.slice(0, 12)}; commit it first`;
		throw new RegistryError("NOT_FOUND", message, { directory });
	}
	const before = (await readBlobs(git, [entry.objectId])).get(entry.objectId)!;
	const after = editedBytes(directory, head, file, key, before, edit);
	if (after.equals(before)) {
		const upToDate = !bare && (await isUnchangedFile(join(directory, file), before));
		return { commit: head, changed: false, ref, workTree: bare ? "bare" : upToDate ? "updated" : "left-alone" };
	}
	const made = await commitFiles(git, head, [{ path: file, bytes: after, mode: entry.mode }], description);
	const subject = description.message.trim().split("\n", 1)[0]!;
	if (!(await compareAndSwapRef(git, ref, made.commit, head, `armspan: ${subject}`))) return undefined;
	const workTree = bare
		? "bare"
		: await bringWorkTreeAlong(git, directory, {
				path: file,
				mode: entry.mode,
				before: { objectId: entry.objectId, bytes: before },
				after: { objectId: made.objectIds[0]!, bytes: after },
			});
	return { commit: made.commit, changed: true, ref, workTree };
}

function editedBytes(
	directory: string,
	commit: string,
	file: string,
	key: string,
	before: Buffer,
	edit: (document: Document) => void,
): Buffer {
	const yaml = StrictYaml.parse(file, before);
	if (!(yaml instanceof StrictYaml)) throw invalidRepository(directory, commit, yaml);
	const after = Buffer.from(editYaml(yaml.document, before.toString("utf8"), edit));
	if (after.equals(before)) return before;
	const edited = StrictYaml.parse(file, after);
	const issues: RepositoryIssue[] = [];
	if (edited instanceof StrictYaml) readExperiment(edited, key, issues);
	else issues.push(...edited);
	if (issues.length > 0) {
		const list = issues.map(({ message }) => message).join("; ");
		throw new RegistryError("INVALID_EDIT", `the edit would break ${file}: ${list}`, { directory, issues });
	}
	return after;
}
