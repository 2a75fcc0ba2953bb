import { createHash } from "node:crypto";
import { PromptError, parsePrompt } from "@armspan/prompt";
import type { Git } from "./git.ts";
import { objectHeaders, readBlobs } from "./git-objects.ts";
import type { RepositoryIssue } from "./registry-error.ts";
import type { ReleasedPrompt } from "./repository-snapshot.ts";

const MAX_PROMPT_BYTES = 1024 * 1024;

/** A place in a file that names a released version. */
export interface ReleaseReference {
	/** Checked by the schema: it goes into a ref name. */
	readonly prompt: string;
	readonly version: string;
	readonly required: boolean;
	issue(message: string): RepositoryIssue;
}

export function releaseTag(prompt: string, version: string): string {
	return `prompts/${prompt}@${version}`;
}

export function promptFile(prompt: string): string {
	return `prompts/${prompt}.prompt`;
}

/** Every release that is referred to; other tags are not looked at, so an old broken one blocks nothing. */
export async function readReleases(
	git: Git,
	references: readonly ReleaseReference[],
	issues: RepositoryIssue[],
): Promise<Map<string, ReleasedPrompt>> {
	const wanted = new Map<string, ReleaseReference>();
	for (const reference of references) wanted.set(`${reference.prompt}@${reference.version}`, reference);
	const tags = [...wanted.values()].map(({ prompt, version }) => `refs/tags/${releaseTag(prompt, version)}`);
	const files = [...wanted.values()].map(({ prompt }) => promptFile(prompt));
	const headers = await objectHeaders(git, [...tags, ...tags.map((tag, i) => `${tag}^{commit}:${files[i]}`)]);

	const faults = new Map<string, string>();
	const found = new Map<string, { objectId: string; file: string }>();
	[...wanted.entries()].forEach(([release, { prompt, version }], index) => {
		const tag = headers[index];
		const blob = headers[index + wanted.size];
		const tagName = releaseTag(prompt, version);
		if (!tag) {
			const command = `git tag -a ${tagName} -m "what changed"`;
			faults.set(release, `version ${version} of ${prompt} is not released; expected the tag ${tagName} (${command})`);
		} else if (tag.type !== "tag") {
			faults.set(release, `the tag ${tagName} is not annotated; expected \`git tag -a\` with a message`);
		} else if (blob?.type !== "blob") {
			faults.set(release, `the tag ${tagName} leads to a commit without the file ${files[index]}`);
		} else if (blob.size > MAX_PROMPT_BYTES) {
			faults.set(release, `${release} has ${blob.size} bytes; expected at most ${MAX_PROMPT_BYTES}`);
		} else {
			found.set(release, { objectId: blob.objectId, file: files[index]! });
		}
	});

	const releases = new Map<string, ReleasedPrompt>();
	const blobs = await readBlobs(
		git,
		[...found.values()].map(({ objectId }) => objectId),
	);
	for (const [release, { objectId, file }] of found) {
		const bytes = blobs.get(objectId)!;
		try {
			const { frontMatter } = parsePrompt(bytes, { name: wanted.get(release)!.prompt });
			const digest = createHash("sha256").update(bytes).digest("hex");
			releases.set(release, { bytes, digest, model: frontMatter.model, config: frontMatter.config, file });
		} catch (error) {
			if (!(error instanceof PromptError)) throw error;
			faults.set(release, `${release} is not a valid prompt file: ${error.message}`);
		}
	}
	for (const reference of references) {
		const fault = faults.get(`${reference.prompt}@${reference.version}`);
		if (fault !== undefined && reference.required) issues.push(reference.issue(fault));
	}
	return releases;
}
