import type { IncomingMessage } from "node:http";
import { createParser } from "eventsource-parser";
import { Backoff } from "./backoff.ts";
import type { RoutingClient } from "./routing-client.ts";

const MAX_EVENT_CHARS = 16_384;
/** The service sends a comment every 15 seconds. */
const SILENCE_MS = 45_000;
const RECONNECT_BASE_MS = 500;
const RECONNECT_CAP_MS = 30_000;

export interface BundleEventsOptions {
	/** There may be something new: an event came, or a connection after which one may have been missed. */
	readonly onNews: (digest: string | undefined) => void;
	readonly random: () => number;
}

/** Server-sent events that say a new bundle exists. A hint only: whatever they say, the content is fetched and checked. */
export class BundleEvents {
	readonly #client: RoutingClient;
	readonly #options: BundleEventsOptions;
	readonly #backoff: Backoff;
	readonly #closed = new AbortController();
	#timer: NodeJS.Timeout | undefined;

	constructor(client: RoutingClient, options: BundleEventsOptions) {
		this.#client = client;
		this.#options = options;
		this.#backoff = new Backoff(RECONNECT_BASE_MS, RECONNECT_CAP_MS, options.random);
		void this.#connect();
	}

	close(): void {
		this.#closed.abort();
		clearTimeout(this.#timer);
	}

	async #connect(): Promise<void> {
		try {
			await this.#listen(await this.#client.open("events", this.#closed.signal));
		} catch {
			// Away, refused or garbage: the poll goes on and reports; this tries again.
		}
		if (this.#closed.signal.aborted) return;
		this.#timer = setTimeout(() => void this.#connect(), this.#backoff.nextMs()).unref();
	}

	async #listen(response: IncomingMessage): Promise<void> {
		const silence = setTimeout(() => response.destroy(), SILENCE_MS).unref();
		const decoder = new TextDecoder();
		const parser = createParser({
			maxBufferSize: MAX_EVENT_CHARS,
			onComment: () => this.#backoff.reset(),
			onEvent: ({ event, data }) => {
				if (event !== "bundle") return;
				this.#backoff.reset();
				this.#options.onNews(digestOf(data));
			},
			onError: ({ type }) => {
				if (type === "max-buffer-size-exceeded") response.destroy();
			},
		});
		this.#options.onNews(undefined);
		try {
			for await (const chunk of response as AsyncIterable<Buffer>) {
				silence.refresh();
				parser.feed(decoder.decode(chunk, { stream: true }));
			}
		} finally {
			clearTimeout(silence);
			response.destroy();
		}
	}
}

function digestOf(data: string): string | undefined {
	try {
		const digest: unknown = (JSON.parse(data) as { digest?: unknown } | null)?.digest;
		return typeof digest === "string" ? digest : undefined;
	} catch {
		// Whatever it says, something may be new.
		return undefined;
	}
}
