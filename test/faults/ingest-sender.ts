import { gzipSync, zstdCompressSync } from "node:zlib";

/** Sends spans as an exporter does: what is not acknowledged is sent again, until it is. */
export class IngestSender {
	/** Where to; changes when the receiver comes back. */
	url: string | undefined;
	/** Span ids. */
	readonly sent: string[] = [];
	readonly acknowledged: string[] = [];
	/** Answers that were not 200, by status; "" when there was none. */
	readonly failures: Record<string, number> = {};
	readonly #spansPerBody: number;
	#stopping = false;
	#running: Promise<unknown> = Promise.resolve();

	constructor(spansPerBody: number) {
		this.#spansPerBody = spansPerBody;
	}

	start(connections: number): void {
		this.#running = Promise.all(Array.from({ length: connections }, () => this.#send()));
	}

	/** Resolves when everything that was sent is acknowledged. */
	async stop(): Promise<void> {
		this.#stopping = true;
		await this.#running;
	}

	async #send(): Promise<void> {
		while (!this.#stopping) {
			const ids = Array.from({ length: this.#spansPerBody }, (_, index) =>
				(this.sent.length + index + 1).toString(16).padStart(16, "0"),
			);
			this.sent.push(...ids);
			const body = exportBody(ids);
			for (;;) {
				const status = await this.#post(body, ids.length + this.sent.length);
				if (status === "200") break;
				this.failures[status] = (this.failures[status] ?? 0) + 1;
				await new Promise((resolve) => setTimeout(resolve, 20));
			}
			this.acknowledged.push(...ids);
		}
	}

	/** The status, or "" when there is no answer. */
	async #post(body: string, turn: number): Promise<string> {
		if (this.url === undefined) return "";
		const [encoding, bytes] =
			turn % 3 === 0
				? ["gzip", gzipSync(body)]
				: turn % 3 === 1
					? ["zstd", zstdCompressSync(body)]
					: ["identity", body];
		try {
			const headers = { "content-type": "application/json", "content-encoding": encoding as string };
			const answer = await fetch(this.url, { method: "POST", headers, body: bytes as string });
			await answer.arrayBuffer();
			return String(answer.status);
		} catch {
			return ""; // the receiver was killed, or is not back yet: the same is sent again
		}
	}
}

function exportBody(ids: readonly string[]): string {
	const now = BigInt(Date.now()) * 1_000_000n;
	const spans = ids.map((spanId) => ({
		...{ traceId: spanId.padStart(32, "a"), spanId, name: "chat m", kind: 3 },
		...{ startTimeUnixNano: String(now), endTimeUnixNano: String(now + 1_000_000_000n) },
		attributes: Object.entries({
			...{
				"gen_ai.operation.name": "chat",
				"gen_ai.prompt.name": "p",
				"feature_flag.result.variant": "faults.control",
			},
			...{ "armspan.experiment": "faults", "armspan.iteration": "1", "armspan.enrolled": "true" },
			"armspan.unit.id": `user-${Number.parseInt(spanId, 16) % 97}`,
		}).map(([key, stringValue]) => ({ key, value: { stringValue } })),
	}));
	return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
}
