import { statSync } from "node:fs";
import { join } from "node:path";
import { RouterError } from "../errors.ts";
import type { Trust } from "./accept-routing.ts";
import { ROUTING_FILE } from "./bundle-file.ts";
import { type LoadedBundle, readBundle } from "./read-bundle.ts";
import { placeSteps } from "./write-bundle.ts";

/** After a failure, as a full disk may have room again. */
const RETRY_MS = 60_000;

export interface CachedBundle {
	readonly bundle: LoadedBundle;
	/** Milliseconds since it was put there, by the wall clock. */
	readonly ageMs: number;
}

/** The last good bundle in a folder of its own, for the next start. Several processes may share the folder. */
export class BundleCache {
	readonly #directory: string;
	readonly #trust: Pick<Trust, "publicKeys" | "flagSetId">;
	readonly #onError: (error: Error) => void;
	#pending: LoadedBundle | undefined;
	#isWriting = false;
	#storedDigest: string | undefined;
	/** What lies there is no good, so its revision is no measure either. */
	#isUseless = false;
	#problem: string | undefined;
	#failedAtMs = 0;
	readonly #retryMs: number;

	/** @param retryMs before a bundle that could not be kept is tried again */
	constructor(
		directory: string,
		{ publicKeys, flagSetId }: Pick<Trust, "publicKeys" | "flagSetId">,
		onError: (error: Error) => void,
		retryMs: number = RETRY_MS,
	) {
		this.#retryMs = retryMs;
		this.#directory = directory;
		this.#trust = { publicKeys, flagSetId };
		this.#onError = onError;
	}

	/** Why bundles cannot be kept at present; `undefined` when they can. */
	get problem(): string | undefined {
		return this.#problem;
	}

	/** What was kept, checked as anything else; `undefined` when there is nothing good. */
	load(): CachedBundle | undefined {
		try {
			const bundle = readBundle(this.#directory, undefined, this.#trust);
			const { mtimeMs } = statSync(join(this.#directory, ROUTING_FILE));
			this.#storedDigest = bundle.routingDigest;
			return { bundle, ageMs: Math.max(0, Date.now() - mtimeMs) };
		} catch (error) {
			if (error instanceof RouterError && error.code === "BUNDLE_MISSING") return undefined;
			this.#isUseless = true;
			this.#report(error);
			return undefined;
		}
	}

	/** Keeps a bundle, some time after this call. A full or read-only disk is reported, never thrown. */
	store(bundle: LoadedBundle): void {
		if (bundle.routingDigest === this.#storedDigest && this.#pending === undefined) return;
		this.#pending = bundle;
		if (this.#isWriting) return;
		this.#isWriting = true;
		setImmediate(() => void this.#writePending());
	}

	/** The bundle is still in use: kept now if it could not be kept before. */
	storeAgain(bundle: LoadedBundle): void {
		if (this.#problem === undefined || performance.now() - this.#failedAtMs < this.#retryMs) return;
		this.store(bundle);
	}

	async #writePending(): Promise<void> {
		try {
			for (let bundle = this.#pending; bundle !== undefined; bundle = this.#pending) {
				this.#pending = undefined;
				await this.#write(bundle);
			}
		} finally {
			this.#isWriting = false;
		}
	}

	async #write(bundle: LoadedBundle): Promise<void> {
		const { table, prompts, bytes, routingDigest } = bundle;
		const files = {
			revision: table.revision,
			routing: bytes.routing,
			signature: textOf(bytes.signature),
			rollback: bytes.rollback,
			rollbackSignature: textOf(bytes.rollbackSignature),
			prompts,
		};
		try {
			for await (const _ of placeSteps(this.#directory, files, { force: this.#isUseless, keepsAlive: false }));
			this.#isUseless = false;
		} catch (error) {
			// Another process has kept the same or a newer one.
			if (!isAhead(error)) {
				this.#failedAtMs = performance.now();
				this.#report(error);
				return;
			}
		}
		this.#storedDigest = routingDigest;
		this.#problem = undefined;
	}

	#report(error: unknown): void {
		const problem = error instanceof Error ? error : new Error(String(error));
		if (problem.message === this.#problem) return;
		this.#problem = problem.message;
		this.#onError(problem);
	}
}

function isAhead(error: unknown): boolean {
	return (
		error instanceof RouterError && (error.code === "REVISION_NOT_HIGHER" || error.code === "REVISION_ROLLED_BACK")
	);
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
	return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}
