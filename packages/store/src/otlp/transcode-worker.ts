import { parentPort } from "node:worker_threads";
import { StoreError } from "../store-error.ts";
import { type TranscodeAnswer, type TranscodeJob, transcode } from "./transcoder.ts";

/** The other side of a Transcoder. */
parentPort?.on("message", (job: TranscodeJob) => {
	try {
		const encoded = transcode(job);
		parentPort?.postMessage({ encoded } satisfies TranscodeAnswer, [encoded.block.buffer]);
	} catch (error) {
		if (!(error instanceof StoreError)) {
			throw error;
		}
		const { code, message, details } = error;
		parentPort?.postMessage({ error: { code, message, details } } satisfies TranscodeAnswer);
	}
});
