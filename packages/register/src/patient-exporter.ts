import { diag } from "@opentelemetry/api";

const SUCCESS = 0;

/** An exporter of spans or of log records, as the SDK defines it. */
export interface Exporter<Item> {
	export(items: Item[], done: (result: ExportOutcome) => void): void;
	forceFlush?(): Promise<void>;
	shutdown(): Promise<void>;
}

export interface ExportOutcome {
	/** 0 is success. */
	code: number;
	error?: Error;
}

export interface PatientExporterOptions {
	/** Items kept at most while the collector is away; the oldest go first. */
	readonly capacity: number;
	/** Time between two tries, in milliseconds. */
	readonly pauseMs: number;
}

/**
 * Keeps what could not be delivered and tries again, without keeping the process alive for it.
 *
 * The SDK's own timers and retries hold the process while a batch is under way. So the OTLP exporter gets a short
 * timeout, its failure counts as "taken over" to the processor, and the waiting is done here: a collector that
 * restarts loses nothing, and a program that is done may leave.
 */
export class PatientExporter<Item> implements Exporter<Item> {
	readonly #exporter: Exporter<Item>;
	readonly #options: PatientExporterOptions;
	readonly #inFlight = new Set<Promise<unknown>>();
	#backlog: Item[][] = [];
	#kept = 0;
	#timer: NodeJS.Timeout | undefined;
	#retrying: Promise<void> | undefined;

	constructor(exporter: Exporter<Item>, options: PatientExporterOptions) {
		this.#exporter = exporter;
		this.#options = options;
	}

	export(items: Item[], done: (result: ExportOutcome) => void): void {
		const sending = this.#send(items).then((outcome) => {
			if (!mayBeTriedAgain(outcome)) {
				done(outcome);
				return;
			}
			this.#keep(items);
			done({ code: SUCCESS });
		});
		this.#inFlight.add(sending);
		void sending.finally(() => this.#inFlight.delete(sending));
	}

	/** Resolves when everything that was handed over has been tried once more. */
	async forceFlush(): Promise<void> {
		await Promise.all(this.#inFlight);
		await this.#retry();
		await this.#exporter.forceFlush?.();
	}

	async shutdown(): Promise<void> {
		await this.forceFlush();
		clearTimeout(this.#timer);
		await this.#exporter.shutdown();
	}

	#keep(items: Item[]): void {
		this.#backlog.push(items);
		this.#kept += items.length;
		let dropped = 0;
		while (this.#kept > this.#options.capacity) {
			const oldest = this.#backlog.shift();
			if (oldest === undefined) break;
			this.#kept -= oldest.length;
			dropped += oldest.length;
		}
		diag.warn(
			`the collector cannot be reached; telemetry is kept and tried again${dropped > 0 ? ", the oldest dropped" : ""}`,
		);
		this.#schedule();
	}

	#schedule(): void {
		if (this.#timer !== undefined || this.#backlog.length === 0) return;
		this.#timer = setTimeout(() => {
			this.#timer = undefined;
			void this.#retry();
		}, this.#options.pauseMs);
		this.#timer.unref();
	}

	/** Oldest first, one at a time, until one fails. */
	#retry(): Promise<void> {
		this.#retrying ??= this.#drain().finally(() => {
			this.#retrying = undefined;
			this.#schedule();
		});
		return this.#retrying;
	}

	async #drain(): Promise<void> {
		for (;;) {
			const items = this.#backlog.shift();
			if (items === undefined) return;
			this.#kept -= items.length;
			const outcome = await this.#send(items);
			if (mayBeTriedAgain(outcome)) {
				this.#backlog.unshift(items);
				this.#kept += items.length;
				return;
			}
			if (outcome.code !== SUCCESS) diag.error("the collector refused telemetry:", String(outcome.error));
		}
	}

	#send(items: Item[]): Promise<ExportOutcome> {
		return new Promise((resolve) => this.#exporter.export(items, resolve));
	}
}

/** Not when the collector answered and said no: it would say the same again. */
function mayBeTriedAgain(outcome: ExportOutcome): boolean {
	return outcome.code !== SUCCESS && typeof (outcome.error as { code?: unknown } | undefined)?.code !== "number";
}
