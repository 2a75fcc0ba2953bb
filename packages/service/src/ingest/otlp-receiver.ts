import { type EncodedRows, encodeExportResponse, type OtlpContentType, StoreError, Transcoder } from "@armspan/store";
import Fastify, {
	type FastifyBaseLogger,
	type FastifyInstance,
	type FastifyReply,
	type FastifyRequest,
	LogController,
} from "fastify";
import { authentication } from "../authentication.ts";
import { BudgetSpentError, ByteBudget, type ByteShare } from "./byte-budget.ts";
import { contentEncoding, DecompressError, decompress } from "./decompress.ts";
import { BufferClosedError, type IngestBuffer } from "./ingest-buffer.ts";
import { BodyTooLargeError, readBody } from "./read-body.ts";

export interface OtlpReceiverOptions {
	traces: IngestBuffer<EncodedRows>;
	logs: IngestBuffer<EncodedRows>;
	/** Bearer token that senders must present; `undefined` only on loopback. */
	token: string | undefined;
	logger: FastifyBaseLogger;
	/** Limit of a body, before and after decompression, in bytes. */
	maxBodyBytes?: number;
	/** What all requests under way may hold together, in bytes. */
	maxHeldBytes?: number;
}

const DEFAULT_MAX_BODY_BYTES = 20 * 1024 * 1024;
const DEFAULT_MAX_HELD_BYTES = 128 * 1024 * 1024;
/** JSON of more takes seconds to read where it is made for that; such bodies wait for each other only. */
const LARGE_JSON_BYTES = 1024 * 1024;
const RETRY_AFTER_SECONDS = 1;
/** A sender that takes longer for one body keeps memory from others. */
const REQUEST_TIMEOUT_MS = 60_000;

type Signal = "traces" | "logs";

/**
 * OTLP/HTTP receiver: `POST /v1/traces` and `POST /v1/logs`, protobuf or JSON, gzip, deflate or zstd.
 *
 * A request is acknowledged only after its rows are committed to ClickHouse. What may succeed later is
 * answered with 503, or with 429 where too much is under way already, and `Retry-After` (OTLP 1.10 lets
 * senders retry just 429, 502, 503 and 504); what never can is answered with 400, 413 or 415. Spans with
 * impossible ids are rejected one by one (partial success).
 */
export function createOtlpReceiver(options: OtlpReceiverOptions): FastifyInstance {
	const maxBodyBytes = options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES;
	const budget = new ByteBudget(options.maxHeldBytes ?? DEFAULT_MAX_HELD_BYTES);
	const [transcoder, largeJsonTranscoder] = [new Transcoder(), new Transcoder()];
	const shares = new WeakMap<FastifyRequest, ByteShare>();
	const app = Fastify({
		loggerInstance: options.logger,
		bodyLimit: maxBodyBytes,
		requestTimeout: REQUEST_TIMEOUT_MS,
		logController: new LogController({ disableRequestLogging: true }),
	});
	app.addHook("onRequest", authentication(options.token));
	app.addHook("onClose", async () => {
		await Promise.all([transcoder.close(), largeJsonTranscoder.close()]);
	});

	// Bodies stay bytes, whatever they claim to be: each route decodes by its own content type check.
	app.removeAllContentTypeParsers();
	app.addContentTypeParser("*", async (request: FastifyRequest, payload: FastifyRequest["raw"]) => {
		const share = budget.share();
		const announced = request.headers["content-length"];
		try {
			const body = await readBody(
				payload,
				announced === undefined ? undefined : Number(announced),
				maxBodyBytes,
				share,
			);
			shares.set(request, share);
			return body;
		} catch (error) {
			share.release();
			throw error;
		}
	});

	const receiver = (signal: Signal) => async (request: FastifyRequest, reply: FastifyReply) => {
		const share = shares.get(request) ?? budget.share();
		try {
			return await receive(request, reply, {
				...{ signal, buffer: options[signal], share, maxBodyBytes },
				transcoderOf: (bytes, contentType) =>
					contentType === "application/json" && bytes > LARGE_JSON_BYTES ? largeJsonTranscoder : transcoder,
			});
		} finally {
			share.release();
		}
	};
	app.post("/v1/traces", receiver("traces"));
	app.post("/v1/logs", receiver("logs"));
	app.post("/v1/metrics", (_request, reply) =>
		reply
			.code(404)
			.send({ code: 5, message: "Armspan takes traces and logs; send metrics elsewhere (OTEL_METRICS_EXPORTER=none)" }),
	);

	app.setNotFoundHandler((request, reply) =>
		reply.code(404).send({
			code: 5,
			message: `${request.method} ${request.url.slice(0, 200)}: expected POST /v1/traces or /v1/logs`,
		}),
	);
	app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
		const contentType = otlpContentType(request) ?? "application/json";
		if (error instanceof BodyTooLargeError || error instanceof BudgetSpentError) {
			// the rest of the body is not wanted
			reply.header("connection", "close");
			return fail(reply, contentType, error instanceof BodyTooLargeError ? 413 : 429, error.message);
		}
		const status = error.statusCode !== undefined && error.statusCode < 500 ? error.statusCode : 503;
		if (status === 503) {
			request.log.error({ err: error }, "OTLP request failed");
		}
		return fail(reply, contentType, status, error.message);
	});
	return app;
}

interface Reception {
	signal: Signal;
	buffer: IngestBuffer<EncodedRows>;
	transcoderOf: (bytes: number, contentType: OtlpContentType) => Transcoder;
	/** What this request holds of the memory for all. */
	share: ByteShare;
	maxBodyBytes: number;
}

async function receive(
	request: FastifyRequest,
	reply: FastifyReply,
	{ signal, buffer, transcoderOf, share, maxBodyBytes }: Reception,
): Promise<FastifyReply> {
	const contentType = otlpContentType(request);
	if (contentType === undefined) {
		return fail(reply, "application/json", 415, "expected content-type application/x-protobuf or application/json");
	}
	const encoding = contentEncoding(request.headers["content-encoding"]);
	if (encoding === undefined) {
		return fail(reply, contentType, 415, "expected content-encoding gzip, deflate, zstd or identity");
	}
	if (!(request.body instanceof Uint8Array)) {
		return fail(reply, contentType, 400, "empty body");
	}
	try {
		const compressedBytes = request.body.byteLength;
		const body = await decompress(request.body, encoding, maxBodyBytes, (bytes) => share.hold(compressedBytes + bytes));
		share.hold(body.byteLength);
		const encoded = await transcoderOf(body.byteLength, contentType).transcode(signal, body, contentType);
		share.hold(encoded.block.byteLength);
		if (encoded.rejected > 0) {
			request.log.warn({ rejected: encoded.rejected, reason: encoded.rejectedReason }, `rejected some ${signal}`);
		}
		await buffer.add(encoded);
		const response = encodeExportResponse(signal, encoded.rejected, encoded.rejectedReason ?? "", contentType);
		return reply.code(200).type(contentType).send(response);
	} catch (error) {
		if (error instanceof DecompressError) {
			return fail(reply, contentType, error.tooLarge ? 413 : 400, error.message);
		}
		if (error instanceof StoreError && error.code === "OTLP_MALFORMED") {
			return fail(reply, contentType, 400, error.message);
		}
		if (error instanceof BudgetSpentError) {
			return fail(reply, contentType, 429, error.message);
		}
		if (error instanceof BufferClosedError) {
			return fail(reply, contentType, 503, error.message);
		}
		// An INSERT that failed may succeed later (disk full, restart): anything but 503 would lose the data.
		request.log.error({ err: error }, `could not store ${signal}`);
		return fail(reply, contentType, 503, "could not be stored now");
	}
}

function otlpContentType(request: FastifyRequest): OtlpContentType | undefined {
	const name = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
	return name === "application/x-protobuf" || name === "application/json" ? name : undefined;
}

/** Answers with a `google.rpc.Status`, as OTLP/HTTP asks for. */
function fail(reply: FastifyReply, contentType: OtlpContentType, status: number, message: string): FastifyReply {
	if (status === 429 || status === 503) {
		reply.header("retry-after", String(RETRY_AFTER_SECONDS));
	}
	reply.code(status).type(contentType);
	return reply.send(
		contentType === "application/json"
			? JSON.stringify({ code: rpcCode(status), message })
			: statusMessage(rpcCode(status), message),
	);
}

function rpcCode(status: number): number {
	return status === 503 ? 14 : status === 401 ? 16 : status === 413 || status === 429 ? 8 : 3;
}

/** `google.rpc.Status { int32 code = 1; string message = 2; }` */
function statusMessage(code: number, message: string): Buffer {
	const text = Buffer.from(message.slice(0, 1000));
	const length: number[] = [];
	for (let rest = text.length; ; rest >>>= 7) {
		if (rest < 0x80) {
			length.push(rest);
			break;
		}
		length.push((rest & 0x7f) | 0x80);
	}
	return Buffer.concat([Buffer.from([0x08, code, 0x12, ...length]), text]);
}
