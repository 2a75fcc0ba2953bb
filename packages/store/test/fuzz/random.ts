/** Reproducible random numbers (sfc32): the same seed and index give the same body on every machine. */
export class Random {
	#a = 0;
	#b = 0;
	#c = 0;
	#counter = 1;

	constructor(seed: number, index: number) {
		this.#a = seed | 0;
		this.#b = index | 0;
		this.#c = Math.floor(index / 0x1_0000_0000) | 0;
		// neighbouring seeds give unlike numbers only after some rounds
		for (let round = 0; round < 12; round++) {
			this.next();
		}
	}

	/** 32 bits. */
	next(): number {
		const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
		this.#counter = (this.#counter + 1) | 0;
		this.#a = this.#b ^ (this.#b >>> 9);
		this.#b = (this.#c + (this.#c << 3)) | 0;
		this.#c = (this.#c << 21) | (this.#c >>> 11);
		this.#c = (this.#c + sum) | 0;
		return sum >>> 0;
	}

	/** An integer in [0, limit). */
	below(limit: number): number {
		return Math.floor((this.next() / 0x1_0000_0000) * limit);
	}

	chance(probability: number): boolean {
		return this.next() < probability * 0x1_0000_0000;
	}

	pick<Item>(items: readonly Item[]): Item {
		return items[this.below(items.length)] as Item;
	}

	/** Small mostly: 0 often, `limit - 1` hardly ever. */
	few(limit: number): number {
		return Math.min(limit - 1, Math.floor(-Math.log2(1 - this.next() / 0x1_0000_0001)));
	}

	bytes(size: number): Buffer {
		const bytes = Buffer.allocUnsafe(size);
		for (let index = 0; index < size; index++) {
			bytes[index] = this.next();
		}
		return bytes;
	}
}
