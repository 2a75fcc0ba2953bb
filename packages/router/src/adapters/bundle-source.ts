import type { KeyObject } from "node:crypto";
import type { RouterErrorCode } from "../errors.ts";
import type { LoadedBundle } from "./read-bundle.ts";

export interface BundleSourceOptions {
	/** A newer bundle is in use. Called after `current` has changed; not for what is found at construction. */
	readonly onChange: (bundle: LoadedBundle) => void;
	/** Something was refused and the last good bundle stays; once per cause. It must not throw. */
	readonly onError: (error: Error) => void;
	/** The cache folder cannot be read or written; once per cause. It must not throw. @default onError */
	readonly onCacheError?: ((error: Error) => void) | undefined;
	/** ed25519; any of them may have signed. When given, nothing unsigned is taken, from the cache neither. */
	readonly publicKeys?: readonly KeyObject[] | undefined;
	/**
	 * `metadata.flagSetId` that a bundle must have: `armspan/<environment>`. Without it that of the first bundle, be it the
	 * cache's, is kept for the life of the source, and any other is refused.
	 */
	readonly flagSetId?: string | undefined;
	/** Folder for the last good bundle, which is used at the next start until the source has a good one. */
	readonly cacheDirectory?: string | undefined;
}

/** `CHECKING`: something newer is there, and checking it takes longer than a second. */
export type SourceProblemCode = RouterErrorCode | "INTERNAL" | "CHECKING";

/** Where an application's bundle comes from. It keeps the newest good one and never keeps a process alive. */
export interface BundleSource {
	/** The bundle in use; `undefined` until there was a good one. */
	readonly current: LoadedBundle | undefined;
	/** `current` is the cache's: the source has not had a good one since the start. */
	readonly isFromCache: boolean;
	/** Why the source cannot be used at present, hence `current` may be old; `undefined` when all is well. */
	readonly problem: string | undefined;
	readonly problemCode: SourceProblemCode | undefined;
	/** Since the source last said that `current` is its newest; `undefined` without `current`. */
	readonly ageMs: number | undefined;
	/** Why bundles cannot be kept for the next start; `undefined` when they can, or need not. */
	readonly cacheProblem: string | undefined;
	close(): void;
}
