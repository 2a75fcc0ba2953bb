import { Backoff } from "./backoff.ts";
import { BundleEvents } from "./bundle-events.ts";
import type { BundleSource, BundleSourceOptions, SourceProblemCode } from "./bundle-source.ts";
import { fetchBundle } from "./fetch-bundle.ts";
import { HeldBundle } from "./held-bundle.ts";
import type { LoadedBundle } from "./read-bundle.ts";
import { RoutingClient } from "./routing-client.ts";
import { readSourceUrl } from "./source-url.ts";

export interface HttpBundleSourceOptions extends BundleSourceOptions {
	/** Sent as `Authorization: Bearer`; never over plain http to another host. */
	readonly token?: string | undefined;
	/** Between polls, give or take a fifth. @default 30000 */
	readonly pollMs?: number | undefined;
	/** For each whole answer. @default 10000 */
	readonly timeoutMs?: number | undefined;
	/** Plain http to another host although the bundle is not signed. @default false */
	readonly allowInsecure?: boolean | undefined;
	/** Begins each request, such as outside of tracing. */
	readonly beginRequest?: (<T>(begin: () => T) => T) | undefined;
	/** Uniform in [0, 1), for jitter. @default Math.random */
	readonly random?: (() => number) | undefined;
}

const POLL_MS = 30_000;
const TIMEOUT_MS = 10_000;
const RETRY_BASE_MS = 500;
/** Spreads the clients that hear the same event, and bounds what a stream full of events can cause. */
const NEWS_DELAY_MS = { least: 20, most: 250 };

/**
 * Keeps the newest good bundle of a server: told by events, and polled besides. Never keeps a process alive, and does
 * nothing before the constructor has returned but read the cache.
 */
export class HttpBundleSource implements BundleSource {
	readonly #client: RoutingClient;
	readonly #held: HeldBundle;
	readonly #events: BundleEvents;
	readonly #backoff: Backoff;
	readonly #pollMs: number;
	readonly #random: () => number;
	#pollTimer: NodeJS.Timeout | undefined;
	#newsTimer: NodeJS.Timeout | undefined;
	#etag: string | undefined;
	#isRefreshing = false;
	#isRefreshWanted = false;
	#isClosed = false;

	/** @throws {RouterError} SOURCE_INVALID */
	constructor(url: string, options: HttpBundleSourceOptions) {
		const { token, publicKeys, allowInsecure = false, beginRequest = (begin) => begin() } = options;
		const base = readSourceUrl(url, { token, isSigned: publicKeys !== undefined, allowInsecure });
		this.#random = options.random ?? Math.random;
		this.#pollMs = options.pollMs ?? POLL_MS;
		this.#client = new RoutingClient(base, { token, timeoutMs: options.timeoutMs ?? TIMEOUT_MS, beginRequest });
		this.#backoff = new Backoff(RETRY_BASE_MS, this.#pollMs, this.#random);
		this.#held = new HeldBundle(options);
		this.#events = new BundleEvents(this.#client, { random: this.#random, onNews: (digest) => this.#hear(digest) });
		void this.#refresh();
	}

	get current(): LoadedBundle | undefined {
		return this.#held.current;
	}

	get isFromCache(): boolean {
		return this.#held.isFromCache;
	}

	get problem(): string | undefined {
		return this.#held.problem;
	}

	get problemCode(): SourceProblemCode | undefined {
		return this.#held.problemCode;
	}

	get ageMs(): number | undefined {
		return this.#held.ageMs;
	}

	get cacheProblem(): string | undefined {
		return this.#held.cacheProblem;
	}

	close(): void {
		this.#isClosed = true;
		clearTimeout(this.#pollTimer);
		clearTimeout(this.#newsTimer);
		this.#events.close();
		this.#client.close();
	}

	#hear(digest: string | undefined): void {
		if (this.#isClosed || this.#newsTimer !== undefined) return;
		if (digest !== undefined && digest === this.#held.current?.routingDigest) return;
		const { least, most } = NEWS_DELAY_MS;
		const delayMs = least + this.#random() * (most - least);
		this.#newsTimer = setTimeout(() => {
			this.#newsTimer = undefined;
			void this.#refresh();
		}, delayMs).unref();
	}

	async #refresh(): Promise<void> {
		if (this.#isClosed) return;
		if (this.#isRefreshing) {
			this.#isRefreshWanted = true;
			return;
		}
		this.#isRefreshing = true;
		clearTimeout(this.#pollTimer);
		let nextMs: number;
		try {
			await this.#fetch();
			this.#backoff.reset();
			nextMs = this.#pollMs * (0.8 + 0.4 * this.#random());
		} catch (error) {
			// Another bundle than the one in use is there, so the next answer must be whole.
			this.#etag = undefined;
			if (!this.#isClosed) this.#held.refuse(error);
			nextMs = this.#backoff.nextMs();
		}
		this.#isRefreshing = false;
		if (this.#isClosed) return;
		if (this.#isRefreshWanted) {
			this.#isRefreshWanted = false;
			this.#hear(undefined);
		}
		this.#pollTimer = setTimeout(() => void this.#refresh(), nextMs).unref();
	}

	async #fetch(): Promise<void> {
		const fetched = await fetchBundle(this.#client, this.#held, this.#etag);
		if (this.#isClosed) return;
		if (fetched === "not-modified") {
			this.#held.confirm();
			return;
		}
		this.#held.accept(fetched.bundle, true);
		this.#etag = fetched.etag;
	}
}
