import type { Document } from "yaml";
import type { RepositorySnapshot } from "./repository-snapshot.ts";

export interface Author {
	readonly name: string;
	readonly email: string;
}

export interface CommitDescription {
	/** Subject, and after an empty line a body. */
	readonly message: string;
	/** `Armspan-Decision: 0198…` lines at the end of the commit message. */
	readonly trailers?: Readonly<Record<string, string>>;
	/** `Armspan <armspan@localhost>` when left out: a commit by the machine says so. */
	readonly author?: Author;
}

export interface ExperimentChange {
	/** The new commit, or the one that already says what the edit wanted. */
	readonly commit: string;
	/** `false` when the edit changed nothing and nothing was committed. */
	readonly changed: boolean;
	/** The branch that moved, as `refs/heads/main`; `HEAD` when HEAD is detached, and no branch holds the commit. */
	readonly ref: string;
	/** `updated`: it says what the commit says. `left-alone`: somebody edited the file there, and has to merge it. */
	readonly workTree: "updated" | "left-alone" | "bare";
}

export interface PromptRelease {
	/** `prompts/<name>@<version>` */
	readonly tag: string;
	readonly commit: string;
	/** sha256 of the released bytes, 64 hex digits. */
	readonly digest: string;
}

export interface CommitHistory {
	readonly commits: readonly string[];
	/** The clone does not have all commits, so there may be more. */
	readonly isShallow: boolean;
}

/** The git repository that holds prompts, experiments and environments. */
export interface Registry {
	/** Absolute path, symbolic links resolved. */
	readonly directory: string;
	readonly bare: boolean;

	/** Differs whenever HEAD or a tag moved; cheap enough to be asked every second. */
	fingerprint(): Promise<string>;

	/** What the commit intends, checked. @throws {RegistryError} INVALID_REPOSITORY with every fault found. */
	snapshot(ref?: string): Promise<RepositorySnapshot>;

	/**
	 * Commits on the way from `ref` back along first parents that touch what a snapshot reads, newest first; `ref`'s own
	 * commit always comes first.
	 */
	history(ref: string, limit: number): Promise<CommitHistory>;

	/** Files of prompts, experiments and environments that differ from HEAD or are untracked; sorted. */
	uncommittedFiles(): Promise<readonly string[]>;

	/**
	 * Edits `experiments/<key>.yaml`, keeping its comments, and commits it to the current branch.
	 * `edit` is called again on the newest file whenever somebody else's commit came first.
	 */
	changeExperiment(
		key: string,
		edit: (document: Document) => void,
		commit: CommitDescription,
	): Promise<ExperimentChange>;

	/** Tags HEAD's file of the prompt as an immutable version. */
	releasePrompt(
		name: string,
		version: string,
		release: { readonly message: string; readonly author?: Author },
	): Promise<PromptRelease>;
}
