import { Worker } from "node:worker_threads";
import type { EncodedRows, OtlpContentType } from "../rows.ts";
import { StoreError, type StoreErrorCode, type StoreErrorDetails } from "../store-error.ts";
import { transcodeLogs, transcodeTraces } from "./transcode.ts";

/** Up to here a body costs less than handing it to another thread. */
const INLINE_BYTES = 32_768;
const WORKER_MEMORY_MB = 512;

type Signal = "traces" | "logs";

export interface TranscodeJob {
	signal: Signal;
	body: Uint8Array;
	contentType: OtlpContentType;
}

export type TranscodeAnswer =
	| { encoded: EncodedRows }
	| { error: { code: StoreErrorCode; message: string; details: StoreErrorDetails } };

interface Pending extends TranscodeJob {
	resolve: (encoded: EncodedRows) => void;
	reject: (error: unknown) => void;
}

export interface TranscoderOptions {
	/** Bodies up to so many bytes are transcoded at once, on the caller's thread. */
	inlineBytes?: number;
	/** Heap of the thread in MiB. A body that needs more is refused; what a request may be needs far less. */
	memoryMb?: number;
}

export function transcode({ signal, body, contentType }: TranscodeJob): EncodedRows {
	return signal === "traces" ? transcodeTraces(body, contentType) : transcodeLogs(body, contentType);
}

/**
 * Transcodes bodies on a thread of its own, one at a time and in their order, so that a large one keeps nobody else
 * waiting. The thread starts with the first large body, and again after a body that was too much for its memory.
 */
export class Transcoder {
	readonly #inlineBytes: number;
	readonly #memoryMb: number;
	#worker: Worker | undefined;
	#queue: Pending[] = [];
	#current: Pending | undefined;
	#closed = false;

	constructor({ inlineBytes = INLINE_BYTES, memoryMb = WORKER_MEMORY_MB }: TranscoderOptions = {}) {
		this.#inlineBytes = inlineBytes;
		this.#memoryMb = memoryMb;
	}

	/**
	 * @param body is taken over: it cannot be read any more
	 * @throws {StoreError} as transcodeTraces; STORE_CLOSED
	 */
	async transcode(signal: Signal, body: Uint8Array, contentType: OtlpContentType): Promise<EncodedRows> {
		if (this.#closed) {
			throw closed();
		}
		const job = { signal, body, contentType };
		if (body.byteLength <= this.#inlineBytes) {
			return transcode(job);
		}
		return new Promise((resolve, reject) => {
			this.#queue.push({ ...job, resolve, reject });
			this.#next();
		});
	}

	/** What has not been answered is rejected. */
	async close(): Promise<void> {
		this.#closed = true;
		for (const { reject } of this.#queue.splice(0)) {
			reject(closed());
		}
		await this.#worker?.terminate();
	}

	#next(): void {
		if (this.#current !== undefined) {
			return;
		}
		const job = this.#queue.shift();
		if (job === undefined) {
			// idle: it keeps no process alive
			this.#worker?.unref();
			return;
		}
		this.#current = job;
		this.#worker ??= this.#start();
		this.#worker.ref();
		const { signal, contentType } = job;
		const body = transferable(job.body);
		this.#worker.postMessage({ signal, body, contentType } satisfies TranscodeJob, [body.buffer]);
	}

	#start(): Worker {
		const file = import.meta.url.endsWith(".ts") ? "./transcode-worker.ts" : "./transcode-worker.js";
		const worker = new Worker(new URL(file, import.meta.url), {
			// what the process preloads is not for this thread
			execArgv: [],
			resourceLimits: { maxOldGenerationSizeMb: this.#memoryMb },
		});
		worker.on("message", (answer: TranscodeAnswer) => {
			const job = this.#current;
			this.#current = undefined;
			if ("encoded" in answer) job?.resolve(answer.encoded);
			else job?.reject(new StoreError(answer.error.code, answer.error.message, answer.error.details));
			this.#next();
		});
		let failure: Error | undefined;
		worker.on("error", (error: Error) => {
			failure = error;
		});
		worker.on("exit", () => {
			this.#worker = undefined;
			const job = this.#current;
			this.#current = undefined;
			job?.reject(this.#closed ? closed() : unreadable(failure));
			if (!this.#closed) this.#next();
		});
		return worker;
	}
}

function closed(): StoreError {
	return new StoreError("STORE_CLOSED", "bodies are not taken any more");
}

/** The thread ended over it, most likely for want of memory: sent again it would end it again. */
function unreadable(cause: Error | undefined): StoreError {
	const message = `body cannot be decoded: ${cause?.message ?? "the thread ended"}`;
	return new StoreError("OTLP_MALFORMED", message, {}, cause === undefined ? {} : { cause });
}

/** The same bytes in memory of their own: a small Buffer shares it with others. */
function transferable(body: Uint8Array): Uint8Array<ArrayBuffer> {
	return body.buffer instanceof ArrayBuffer && body.byteLength === body.buffer.byteLength
		? (body as Uint8Array<ArrayBuffer>)
		: new Uint8Array(body);
}
