import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../src/open-store.ts";
import type { EncodedRows } from "../../src/rows.ts";
import type { Store } from "../../src/store.ts";

const GROUP = 200;

/** Inserts blocks into a real engine, with all views, in groups; each row must be there afterwards. */
export class InsertSample {
	readonly #folder = mkdtempSync(join(tmpdir(), "armspan-fuzz-"));
	readonly #waiting = { otel_traces: [] as EncodedRows[], otel_logs: [] as EncodedRows[] };
	#store: Store | undefined;
	blocks = 0;
	rows = 0;

	async open(): Promise<void> {
		this.#store = await openStore({ kind: "embedded", path: this.#folder });
		await this.#store.migrate();
	}

	/** @throws when the engine refuses a block, or counts other rows than it was given */
	async add(encoded: EncodedRows): Promise<void> {
		const waiting = this.#waiting[encoded.table];
		waiting.push(encoded);
		if (waiting.length >= GROUP) await this.#insert(encoded.table);
	}

	async flush(): Promise<void> {
		for (const table of ["otel_traces", "otel_logs"] as const) await this.#insert(table);
	}

	async close(): Promise<void> {
		await this.#store?.close();
		rmSync(this.#folder, { recursive: true, force: true });
	}

	async #insert(table: EncodedRows["table"]): Promise<void> {
		const store = this.#store;
		const blocks = this.#waiting[table].splice(0);
		if (store === undefined || blocks.length === 0) return;
		const count = async () => {
			const { traces, logs } = await store.counts();
			return table === "otel_traces" ? traces : logs;
		};
		const before = await count();
		await store.insertEncoded(blocks);
		const rows = blocks.reduce((sum, block) => sum + block.rows, 0);
		const arrived = (await count()) - before;
		if (arrived !== rows) throw new Error(`${rows} rows were inserted into ${table}, ${arrived} are there`);
		this.blocks += blocks.length;
		this.rows += rows;
	}
}
