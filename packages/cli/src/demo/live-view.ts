import type { WriteStream } from "node:tty";

const PLAIN_EVERY_MS = 10_000;

/** Shows lines that change: redrawn in place on a terminal, one plain line now and then elsewhere. */
export class LiveView {
	readonly #out: NodeJS.WriteStream;
	#drawn = 0;
	#lastPlainAt = Number.NEGATIVE_INFINITY;

	constructor(out: NodeJS.WriteStream) {
		this.#out = out;
	}

	/** @param lines the whole view  @param line the same in short, for when it cannot be redrawn */
	update(lines: readonly string[], line: string): void {
		if (!this.#out.isTTY) {
			const now = performance.now();
			if (now - this.#lastPlainAt >= PLAIN_EVERY_MS) {
				this.#lastPlainAt = now;
				this.#out.write(`${line}\n`);
			}
			return;
		}
		// A terminal that does not know its size says 0.
		const columns = (this.#out as WriteStream).columns || 80;
		const rows = (this.#out as WriteStream).rows || 24;
		// A line that wraps, or a view taller than the window, could not be drawn over.
		const shown = lines
			.slice(0, rows - 1)
			.map((text) => (text.length > columns ? `${text.slice(0, columns - 1)}…` : text));
		const up = this.#drawn === 0 ? "" : `\x1b[${this.#drawn}A`;
		this.#out.write(`${up}\x1b[0J${shown.join("\n")}\n`);
		this.#drawn = shown.length;
	}

	/** Lines that stay; whatever is drawn next comes below them. */
	print(lines: readonly string[]): void {
		if (this.#out.isTTY && this.#drawn > 0) {
			this.#out.write(`\x1b[${this.#drawn}A\x1b[0J`);
			this.#drawn = 0;
		}
		this.#out.write(lines.map((text) => `${text}\n`).join(""));
	}
}
