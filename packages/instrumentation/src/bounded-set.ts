/** Members that may be looked over for one that is added: beyond them the oldest goes, used lately or not. */
const MAX_SPARED = 8;

/**
 * A set that forgets beyond `capacity` what has not been used lately: its oldest member goes, unless it was used since it
 * came or was last spared. Using a member writes at most one flag, since it happens on every call.
 */
export class BoundedSet {
	/** Oldest first; whether the member was used since. */
	readonly #members = new Map<string, boolean>();
	readonly #capacity: number;

	constructor(capacity: number) {
		this.#capacity = capacity;
	}

	/** @returns whether the member was not there */
	add(member: string): boolean {
		const used = this.#members.get(member);
		if (used === undefined) {
			if (this.#members.size >= this.#capacity) this.#forgetOne();
			this.#members.set(member, false);
			return true;
		}
		if (!used) this.#members.set(member, true);
		return false;
	}

	delete(member: string): void {
		this.#members.delete(member);
	}

	get size(): number {
		return this.#members.size;
	}

	#forgetOne(): void {
		let spared = 0;
		for (const [oldest, used] of this.#members) {
			this.#members.delete(oldest);
			if (!used || ++spared > MAX_SPARED) return;
			this.#members.set(oldest, false);
		}
	}
}
