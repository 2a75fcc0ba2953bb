import { randomUUID } from "node:crypto";

/** Replies that a user may still rate; the oldest are forgotten, so that memory stays bounded. */
export class RecentReplies<Reply> {
	readonly #replies = new Map<string, Reply>();
	readonly #capacity: number;

	constructor(capacity: number) {
		this.#capacity = capacity;
	}

	/** @returns the id under which the reply is found */
	add(reply: Reply): string {
		const id = randomUUID();
		this.#replies.set(id, reply);
		if (this.#replies.size > this.#capacity) {
			const [oldest] = this.#replies.keys();
			this.#replies.delete(oldest!);
		}
		return id;
	}

	get(id: string): Reply | undefined {
		return this.#replies.get(id);
	}
}
