/** There is no memory for a request now. The sender should come back. */
export class BudgetSpentError extends Error {
	override readonly name = "BudgetSpentError";
}

/** Bytes that all requests under way may hold together, so that memory is bounded whoever sends how much. */
export class ByteBudget {
	readonly limit: number;
	#held = 0;

	constructor(limit: number) {
		this.limit = limit;
	}

	get held(): number {
		return this.#held;
	}

	/** A share that begins empty; release it however the request ends. */
	share(): ByteShare {
		let mine = 0;
		return {
			hold: (bytes) => {
				const next = this.#held - mine + bytes;
				// a single request larger than the limit is still taken when nothing else is held, or it could never pass
				if (next > this.limit && bytes > mine && this.#held > mine) {
					throw new BudgetSpentError(`requests under way hold ${this.#held} of ${this.limit} bytes`);
				}
				this.#held = next;
				mine = bytes;
			},
			release: () => {
				this.#held -= mine;
				mine = 0;
			},
		};
	}
}

export interface ByteShare {
	/** Holds so many bytes from now on, more or fewer than before. @throws {BudgetSpentError} */
	hold(bytes: number): void;
	release(): void;
}
