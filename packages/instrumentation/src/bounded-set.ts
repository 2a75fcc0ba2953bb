/** A set that forgets its least recently used members beyond `capacity`. */
export class BoundedSet {
	readonly #members = new Set<string>();
	readonly #capacity: number;

	constructor(capacity: number) {
		this.#capacity = capacity;
	}

	/** @returns whether the member was not there */
	add(member: string): boolean {
		const known = this.#members.delete(member);
		this.#members.add(member);
		if (this.#members.size > this.#capacity) {
			const [oldest] = this.#members;
			if (oldest !== undefined) this.#members.delete(oldest);
		}
		return !known;
	}

	delete(member: string): void {
		this.#members.delete(member);
	}

	get size(): number {
		return this.#members.size;
	}
}
