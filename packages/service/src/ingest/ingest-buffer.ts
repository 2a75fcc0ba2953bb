/** Rows that could not be taken because too many are waiting already. The sender should come back. */
export class BufferFullError extends Error {
	override readonly name = "BufferFullError";
}

/** Rows that were not written because the service is stopping. The sender should come back. */
export class BufferClosedError extends Error {
	override readonly name = "BufferClosedError";
}

export interface IngestBufferOptions<Row> {
	/** Writes the rows in one INSERT; resolves after it is committed. */
	insert: (rows: Row[]) => Promise<void>;
	/** How long rows wait for company before they are written, in milliseconds. */
	delayMs: number;
	/** Waiting rows above which further ones are refused. */
	maxRows: number;
}

interface Waiting<Row> {
	rows: Row[];
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
export class IngestBuffer<Row> {
	readonly #options: IngestBufferOptions<Row>;
	#waiting: Waiting<Row>[] = [];
	#waitingRows = 0;
	#timer: NodeJS.Timeout | undefined;
	#running: Promise<void> | undefined;
	#closed = false;

	constructor(options: IngestBufferOptions<Row>) {
		this.#options = options;
	}

	/** Rows that wait or are being written. */
	get pendingRows(): number {
		return this.#waitingRows;
	}

	/** @throws {BufferFullError | BufferClosedError} or what the INSERT threw */
	add(rows: Row[]): Promise<void> {
		if (this.#closed) {
			return Promise.reject(new BufferClosedError("the service is stopping"));
		}
		if (rows.length === 0) {
			return Promise.resolve();
		}
		// A single request larger than the limit is still taken when nothing else waits, or it could never pass.
		if (this.#waitingRows > 0 && this.#waitingRows + rows.length > this.#options.maxRows) {
			return Promise.reject(new BufferFullError(`${this.#waitingRows} rows are waiting already`));
		}
		this.#waitingRows += rows.length;
		return new Promise((resolve, reject) => {
			this.#waiting.push({ rows, resolve, reject });
			this.#schedule();
		});
	}

	/** Writes what waits and takes no more. */
	async close(): Promise<void> {
		this.#closed = true;
		clearTimeout(this.#timer);
		this.#timer = undefined;
		await this.#running;
		if (this.#waiting.length > 0) {
			await this.#flush();
		}
	}

	#schedule(): void {
		if (this.#timer === undefined && this.#running === undefined) {
			this.#timer = setTimeout(() => {
				this.#timer = undefined;
				this.#running = this.#flush().finally(() => {
					this.#running = undefined;
					if (this.#waiting.length > 0 && !this.#closed) {
						this.#schedule();
					}
				});
			}, this.#options.delayMs);
		}
	}

	async #flush(): Promise<void> {
		const batch = this.#waiting;
		this.#waiting = [];
		const rows = batch.flatMap((waiting) => waiting.rows);
		try {
			await this.#options.insert(rows);
			for (const waiting of batch) {
				waiting.resolve();
			}
		} catch (error) {
			for (const waiting of batch) {
				waiting.reject(error);
			}
		} finally {
			this.#waitingRows -= rows.length;
		}
	}
}
