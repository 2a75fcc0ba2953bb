import { createHash } from "node:crypto";
import { PromptError, parsePrompt } from "@armspan/prompt";
import { PromptName, SemanticVersion } from "@armspan/schema";
import { commitMessage, configuredAuthor, identityEnvironment } from "./commit-files.ts";
import type { Git } from "./git.ts";
import { listTree, readBlobs, resolveCommit } from "./git-objects.ts";
import { promptFile, releaseTag } from "./read-releases.ts";
import type { Author, PromptRelease } from "./registry.ts";
import { RegistryError } from "./registry-error.ts";

interface Repository {
	readonly git: Git;
	readonly directory: string;
	readonly bare: boolean;
}

/** @throws {RegistryError} INVALID_ARGUMENT, NOT_FOUND, UNCOMMITTED_FILE, VERSION_EXISTS */
export async function releasePrompt(
	{ git, directory, bare }: Repository,
	name: string,
	version: string,
	{ message, author }: { readonly message: string; readonly author?: Author },
): Promise<PromptRelease> {
	check("prompt name", name, PromptName.safeParse(name));
	check("version", version, SemanticVersion.safeParse(version));
	const tag = releaseTag(name, version);
	const file = promptFile(name);
	const text = commitMessage({ message });
	const environment = identityEnvironment(author ?? (await configuredAuthor(git)));
	if ((await git(["check-ref-format", `refs/tags/${tag}`], { accept: [1] })).exitCode !== 0) {
		throw new RegistryError(
			"INVALID_ARGUMENT",
			`invalid version: "${version}"; git refuses it as part of a tag's name`,
		);
	}
	if (!bare) await refuseUncommitted(git, file);

	const commit = await resolveCommit(git, directory, "HEAD");
	const entry = (await listTree(git, commit, [file])).find(({ path }) => path === file);
	if (entry?.type !== "blob" || entry.mode === "120000") {
		throw new RegistryError("NOT_FOUND", `no prompt "${name}": ${file} is not committed`, { directory });
	}
	const bytes = (await readBlobs(git, [entry.objectId])).get(entry.objectId)!;
	try {
		parsePrompt(bytes, { name });
	} catch (cause) {
		if (!(cause instanceof PromptError)) throw cause;
		const fix = "a released version cannot be repaired, so it is not released";
		throw new RegistryError("INVALID_REPOSITORY", `${file}: ${cause.message}; ${fix}`, { directory }, cause);
	}

	try {
		// Plain "-a": who has told git to sign tags gets a signed tag.
		await git(["tag", "-a", "--cleanup=whitespace", "-F", "-", "--end-of-options", tag, commit], {
			environment,
			input: text,
		});
	} catch (error) {
		if (!(error instanceof RegistryError) || !/already exists/.test(error.details.stderr ?? "")) throw error;
		throw new RegistryError(
			"VERSION_EXISTS",
			`version ${version} of ${name} exists already and never changes; release a higher version`,
			{ directory },
			error,
		);
	}
	return { tag, commit, digest: createHash("sha256").update(bytes).digest("hex") };
}

async function refuseUncommitted(git: Git, file: string): Promise<void> {
	const { stdout } = await git(["status", "--porcelain=v1", "-z", "--untracked-files=all", "--", file]);
	if (stdout.length === 0) return;
	throw new RegistryError(
		"UNCOMMITTED_FILE",
		`${file} has changes that are not committed; next: git add ${file} && git commit`,
	);
}

function check(
	field: string,
	value: string,
	result: { readonly success: boolean; readonly error?: { readonly issues: readonly { readonly message: string }[] } },
): void {
	if (result.success) return;
	const reason = result.error?.issues[0]?.message ?? "not valid";
	throw new RegistryError("INVALID_ARGUMENT", `invalid ${field}: ${JSON.stringify(value)}; ${reason}`);
}
