export type QueryParameters = Readonly<Record<string, string | number | readonly string[]>>;

/** One connection to the engine. It runs one statement at a time; the others wait their turn. */
export interface Connection {
	/** To chDB in this process. */
	readonly isEmbedded: boolean;
	/** Runs a query without FORMAT clause; integers of 64 bits and more must be selected as text. */
	query<Row>(sql: string, parameters?: QueryParameters): Promise<Row[]>;
	command(sql: string, parameters?: QueryParameters): Promise<void>;
	/** One INSERT; resolves when its rows are committed. */
	insert(insertion: Insertion): Promise<void>;
	/** Resolves after the statements that are under way. */
	close(): Promise<void>;
}

export interface Insertion {
	table: string;
	columns: readonly string[];
	/** Rows in JSONCompactEachRow, one per line; or blocks in Native, whose columns have names and types of their own. */
	body: Buffer | { native: readonly Uint8Array[] };
}

/** Settings of every INSERT, as an inline clause: on chDB any other way would stick to the connection. */
export const INSERT_SETTINGS = {
	// acknowledged means committed
	async_insert: 0,
	wait_for_async_insert: 1,
	// on a cluster too: a Distributed table would otherwise put rows aside and send them later
	distributed_foreground_insert: 1,
	// late spans of many days are bounded by the decoder; a batch of several requests must not be refused
	max_partitions_per_insert_block: 0,
	// a body of several megabytes of JSON is parsed by more than one thread
	min_chunk_bytes_for_parallel_parsing: 1_048_576,
} as const;
