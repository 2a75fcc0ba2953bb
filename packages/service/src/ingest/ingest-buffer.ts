/** Rows that were not written because the service is stopping. The sender should come back. */
export class BufferClosedError extends Error {
	override readonly name = "BufferClosedError";
}

/** Rows of one request. */
export interface Batch {
	readonly rows: number;
	readonly block: Uint8Array;
}

export interface IngestBufferOptions<Request extends Batch> {
	/** Writes the rows of several requests in one INSERT; resolves after it is committed. */
	insert: (batches: Request[]) => Promise<void>;
	/** How long rows wait for company at least, in milliseconds; the other times are multiples of it. */
	delayMs: number;
}

/**
 * An INSERT costs about 80 ms of work however small it is, and leaves a part of each table to be merged: so about one
 * a second, unless somebody is kept from sending by it.
 */
const SPACING_IN_DELAYS = 5;
/** Half of it as soon as a sender filled a batch (512 is what SDKs send at most): it has more, and waits for the answer. */
const PRESSED_SPACING_IN_DELAYS = 2.5;
const FULL_REQUEST_ROWS = 512;
/** So many rows are worth an INSERT at once. */
const WORTHWHILE_ROWS = 20_000;
/** What one INSERT takes at most, unless a single request brings more: the engine holds it several times over. */
const MOST_ROWS = 65_536;
const MOST_BYTES = 33_554_432;

interface Waiting<Request> {
	request: Request;
	resolve: () => void;
	reject: (error: unknown) => void;
}

/**
 * Gathers the rows of concurrent requests into few large INSERTs.
 *
 * `add` resolves only after the rows are committed, so that whoever acknowledges on it never
 * acknowledges what a crash could lose. One INSERT runs at a time; what arrives meanwhile goes
 * into the next one. An INSERT that fails rejects every `add` in it: senders retry, and the
 * evidence tables know a row that comes twice by its identity.
 */
export class IngestBuffer<Request extends Batch> {
	readonly #options: IngestBufferOptions<Request>;
	#waiting: Waiting<Request>[] = [];
	#waitingSince = 0;
	#waitingRows = 0;
	#isPressed = false;
	#runningRows = 0;
	#begunAt = Number.NEGATIVE_INFINITY;
	#timer: NodeJS.Timeout | undefined;
	#running: Promise<void> | undefined;
	#closed = false;
	#failures = 0;

	constructor(options: IngestBufferOptions<Request>) {
		this.#options = options;
	}

	/** Rows that wait or are being written. */
	get pendingRows(): number {
		return this.#waitingRows + this.#runningRows;
	}

	/** INSERTs that failed in a row. */
	get consecutiveFailures(): number {
		return this.#failures;
	}

	/** @throws {BufferClosedError} or what the INSERT threw */
	add(request: Request): Promise<void> {
		if (this.#closed) {
			return Promise.reject(new BufferClosedError("the service is stopping"));
		}
		if (request.rows === 0) {
			return Promise.resolve();
		}
		if (this.#waiting.length === 0) {
			this.#waitingSince = performance.now();
		}
		this.#waitingRows += request.rows;
		this.#isPressed ||= request.rows >= FULL_REQUEST_ROWS;
		return new Promise((resolve, reject) => {
			this.#waiting.push({ request, resolve, reject });
			this.#schedule();
		});
	}

	/** Writes what waits and takes no more. */
	async close(): Promise<void> {
		this.#closed = true;
		clearTimeout(this.#timer);
		this.#timer = undefined;
		await this.#running;
		while (this.#waiting.length > 0) {
			await this.#insertSome();
		}
	}

	#schedule(): void {
		if (this.#running !== undefined || this.#closed || this.#waiting.length === 0) {
			return;
		}
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => {
			this.#timer = undefined;
			this.#running = this.#insertSome().finally(() => {
				this.#running = undefined;
				this.#schedule();
			});
		}, this.#dueInMs());
	}

	#dueInMs(): number {
		if (this.#waitingRows >= WORTHWHILE_ROWS) {
			return 0;
		}
		const { delayMs } = this.#options;
		const spacing = this.#isPressed ? PRESSED_SPACING_IN_DELAYS : SPACING_IN_DELAYS;
		const dueAt = Math.max(this.#waitingSince + delayMs, this.#begunAt + spacing * delayMs);
		return Math.max(dueAt - performance.now(), 0);
	}

	/** One INSERT of the requests that have waited longest. Never rejects: every request hears of its own fate. */
	async #insertSome(): Promise<void> {
		const batch = this.#takeSome();
		const rows = batch.reduce((sum, { request }) => sum + request.rows, 0);
		this.#waitingRows -= rows;
		this.#runningRows = rows;
		this.#begunAt = performance.now();
		this.#waitingSince = this.#begunAt;
		this.#isPressed = this.#waiting.some(({ request }) => request.rows >= FULL_REQUEST_ROWS);
		try {
			await this.#options.insert(batch.map(({ request }) => request));
			this.#failures = 0;
			for (const { resolve } of batch) {
				resolve();
			}
		} catch (error) {
			this.#failures++;
			for (const { reject } of batch) {
				reject(error);
			}
		} finally {
			this.#runningRows = 0;
		}
	}

	#takeSome(): Waiting<Request>[] {
		let rows = 0;
		let bytes = 0;
		const end = this.#waiting.findIndex(({ request }) => {
			rows += request.rows;
			bytes += request.block.byteLength;
			return rows > MOST_ROWS || bytes > MOST_BYTES;
		});
		return this.#waiting.splice(0, end === -1 ? this.#waiting.length : Math.max(end, 1));
	}
}
