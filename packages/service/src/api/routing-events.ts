import { Readable } from "node:stream";
import type { LoadedBundle } from "@armspan/router";

/** A reader that takes nothing for so long that this piles up is cut off. */
const MAX_WAITING_BYTES = 16 * 1024;

/** The open streams of server-sent events, each telling that a new bundle is there. */
export class RoutingEvents {
	readonly #streams = new Set<Readable>();
	readonly #maxStreams: number;
	readonly #heartbeat: NodeJS.Timeout;

	constructor({ maxStreams, heartbeatMs }: { maxStreams: number; heartbeatMs: number }) {
		this.#maxStreams = maxStreams;
		this.#heartbeat = setInterval(() => this.#send(": still here\n\n"), heartbeatMs).unref();
	}

	/** A stream that begins with the current bundle; `undefined` when there are too many. */
	open(current: LoadedBundle): Readable | undefined {
		if (this.#streams.size >= this.#maxStreams) return undefined;
		const stream = new Readable({ read() {} });
		this.#streams.add(stream);
		stream.once("close", () => this.#streams.delete(stream));
		stream.push(`: armspan routing\n\n${bundleEvent(current)}`);
		return stream;
	}

	announce(bundle: LoadedBundle): void {
		this.#send(bundleEvent(bundle));
	}

	close(): void {
		clearInterval(this.#heartbeat);
		for (const stream of this.#streams) stream.push(null);
		this.#streams.clear();
	}

	#send(text: string): void {
		for (const stream of this.#streams) {
			if (stream.readableLength > MAX_WAITING_BYTES) stream.destroy();
			else stream.push(text);
		}
	}
}

function bundleEvent({ table, routingDigest }: LoadedBundle): string {
	return `event: bundle\ndata: ${JSON.stringify({ revision: table.revision, digest: routingDigest })}\n\n`;
}
