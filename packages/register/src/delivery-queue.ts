import { delivery, type Signal } from "@armspan/instrumentation";
import { context, createContextKey, diag, ROOT_CONTEXT } from "@opentelemetry/api";

const SUCCESS = 0;

/** When more waits than one batch, more goes at once: a service that answers after 200 ms still takes 10,000 a second. */
const MAX_BATCHES_AT_ONCE = 4;

/** The key of `suppressTracing` in `@opentelemetry/core`: an instrumentation of HTTP makes no spans of our requests. */
const UNTRACED = ROOT_CONTEXT.setValue(createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING"), true);

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

export interface DeliveryQueueOptions {
	readonly signal: Signal;
	/** Items kept at most, those under way included; the oldest go first. */
	readonly capacity: number;
	/** As many items are sent without waiting for more. */
	readonly batchSize: number;
	/** How long an item waits for company, in milliseconds. */
	readonly delayMs: number;
	/** Time between the beginnings of two tries while the collector is away, in milliseconds: more than one takes. */
	readonly pauseMs: number;
}

/**
 * What has ended and is not delivered yet. It is bounded, nobody waits for it, and it does not keep the process alive.
 *
 * The SDK's own timers and retries hold the process while a batch is under way. So the OTLP exporter gets a short
 * timeout, and the waiting is done here: a collector that restarts loses nothing, and a program that is done may leave.
 */
export class DeliveryQueue<Item> {
	readonly #exporter: Exporter<Item>;
	readonly #options: DeliveryQueueOptions;
	/** Oldest first. */
	#waiting: Item[] = [];
	#underWay: readonly Item[] = [];
	#sending: Promise<boolean> | undefined;
	#away = false;
	#timer: NodeJS.Timeout | undefined;

	constructor(exporter: Exporter<Item>, options: DeliveryQueueOptions) {
		this.#exporter = exporter;
		this.#options = options;
	}

	get size(): number {
		return this.#waiting.length + this.#underWay.length;
	}

	add(item: Item): void {
		this.#waiting.push(item);
		if (this.size > this.#options.capacity) this.#dropOldest();
		this.#schedule();
	}

	/** Resolves when everything that was added so far has been tried once more. */
	async flush(): Promise<void> {
		await this.#sending;
		for (let left = this.#waiting.length; left > 0; left -= this.#options.batchSize) {
			if (!(await this.#send())) return;
		}
	}

	/** Everything that is not known to be delivered, for who has a better place for it; a batch may be under way. */
	take(): Item[] {
		const items = [...this.#underWay, ...this.#waiting];
		this.#waiting = [];
		this.#underWay = [];
		return items;
	}

	async shutdown(): Promise<void> {
		await this.flush();
		clearTimeout(this.#timer);
		await this.#exporter.shutdown();
	}

	/** Several at once: taking one off the front for each that comes in would move the whole queue each time. */
	#dropOldest(): void {
		const { capacity, signal } = this.#options;
		const excess = this.size - capacity;
		const dropped = Math.min(this.#waiting.length, Math.max(excess, Math.ceil(capacity / 64)));
		this.#waiting.splice(0, dropped);
		delivery().drops[signal]["queue-full"] += dropped;
	}

	#schedule(): void {
		if (this.#sending !== undefined || this.#waiting.length === 0) return;
		const isFull = this.#waiting.length >= this.#options.batchSize;
		if (isFull && !this.#away) {
			clearTimeout(this.#timer);
			this.#timer = undefined;
			void this.#send();
			return;
		}
		if (this.#timer !== undefined) return;
		this.#timer = setTimeout(
			() => {
				this.#timer = undefined;
				void this.#send();
			},
			this.#away ? untilNextTry(this.#options.pauseMs) : this.#options.delayMs,
		);
		this.#timer.unref();
	}

	/** One batch at a time. @returns whether the collector is there */
	#send(): Promise<boolean> {
		this.#sending ??= this.#sendOldest()
			// Only a diag logger, which is the application's, could throw in there.
			.catch(() => false)
			.finally(() => {
				this.#sending = undefined;
				this.#schedule();
			});
		return this.#sending;
	}

	async #sendOldest(): Promise<boolean> {
		const items = this.#waiting.splice(0, MAX_BATCHES_AT_ONCE * this.#options.batchSize);
		if (items.length === 0) return true;
		this.#underWay = items;
		const outcome = await this.#export(items);
		// Nothing is under way any more when somebody took it meanwhile.
		const isOurs = this.#underWay === items;
		this.#underWay = [];
		this.#away = mayBeTriedAgain(outcome);
		if (this.#away) {
			if (isOurs) this.#waiting.unshift(...items);
			if (this.size > this.#options.capacity) this.#dropOldest();
			diag.warn(
				`the collector cannot be reached; telemetry is kept and tried again, the oldest dropped beyond ${this.#options.capacity}`,
			);
			return false;
		}
		if (outcome.code !== SUCCESS) {
			delivery().drops[this.#options.signal].refused += items.length;
			diag.error("the collector refused telemetry:", String(outcome.error));
		}
		return true;
	}

	async #export(items: Item[]): Promise<ExportOutcome> {
		try {
			await attributesOf(items[0]);
			return await new Promise((resolve) => {
				context.with(UNTRACED, () => this.#exporter.export(items, resolve));
			});
		} catch (error) {
			// What cannot be written for the collector cannot be written the next time, either.
			return { code: 1, error: Object.assign(new Error(String(error)), { code: 0 }) };
		}
	}
}

/**
 * All queues of the process try at the same moments. A try under way holds the process; tries that took turns would keep
 * a program that is done from leaving, one after another.
 */
function untilNextTry(pauseMs: number): number {
	return pauseMs - (performance.now() % pauseMs);
}

/** A resource may still be looking for its attributes when the first spans end. */
async function attributesOf(item: unknown): Promise<void> {
	const { resource } = item as {
		resource?: { asyncAttributesPending?: boolean; waitForAsyncAttributes?: () => Promise<void> };
	};
	if (resource?.asyncAttributesPending === true) await resource.waitForAsyncAttributes?.();
}

/** Not when the collector answered and said no: it would say the same again. */
function mayBeTriedAgain(outcome: ExportOutcome): boolean {
	return outcome.code !== SUCCESS && typeof (outcome.error as { code?: unknown } | undefined)?.code !== "number";
}
