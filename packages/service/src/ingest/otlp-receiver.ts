import {
	decodeLogs,
	decodeTraces,
	encodeExportResponse,
	type LogRow,
	type OtlpContentType,
	StoreError,
	type TraceRow,
} from "@armspan/store";
import Fastify, {
	type FastifyBaseLogger,
	type FastifyInstance,
	type FastifyReply,
	type FastifyRequest,
	LogController,
} from "fastify";
import { authentication } from "../authentication.ts";
import { contentEncoding, DecompressError, decompress } from "./decompress.ts";
import { BufferClosedError, BufferFullError, type IngestBuffer } from "./ingest-buffer.ts";

export interface OtlpReceiverOptions {
	traces: IngestBuffer<TraceRow>;
	logs: IngestBuffer<LogRow>;
	/** Bearer token that senders must present; `undefined` only on loopback. */
	token: string | undefined;
	logger: FastifyBaseLogger;
	/** Limit of a body, before and after decompression, in bytes. */
	maxBodyBytes?: number;
}

const DEFAULT_MAX_BODY_BYTES = 20 * 1024 * 1024;
const RETRY_AFTER_SECONDS = 1;

interface Signal<Row> {
	kind: "traces" | "logs";
	decode: (
		body: Uint8Array,
		contentType: OtlpContentType,
	) => { rows: Row[]; rejected: number; rejectedReason?: string };
	buffer: IngestBuffer<Row>;
}

/**
 * OTLP/HTTP receiver: `POST /v1/traces` and `POST /v1/logs`, protobuf or JSON, gzip, deflate or zstd.
 *
 * A request is acknowledged only after its rows are committed to ClickHouse. What may succeed later is
 * answered with 503 and `Retry-After` (OTLP 1.10 lets senders retry just 429, 502, 503 and 504); what never
 * can is answered with 400, 413 or 415. Spans with impossible ids are rejected one by one (partial success).
 */
export function createOtlpReceiver(options: OtlpReceiverOptions): FastifyInstance {
	const maxBodyBytes = options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES;
	const app = Fastify({
		loggerInstance: options.logger,
		bodyLimit: maxBodyBytes,
		logController: new LogController({ disableRequestLogging: true }),
	});
	app.addHook("onRequest", authentication(options.token));

	// Bodies stay bytes, whatever they claim to be: each route decodes by its own content type check.
	app.removeAllContentTypeParsers();
	app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

	app.post("/v1/traces", (request, reply) =>
		receive(request, reply, { kind: "traces", decode: decodeTraces, buffer: options.traces }, maxBodyBytes),
	);
	app.post("/v1/logs", (request, reply) =>
		receive(request, reply, { kind: "logs", decode: decodeLogs, buffer: options.logs }, maxBodyBytes),
	);
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
		const status = error.statusCode !== undefined && error.statusCode < 500 ? error.statusCode : 503;
		if (status === 503) {
			request.log.error({ err: error }, "OTLP request failed");
		}
		return fail(reply, otlpContentType(request) ?? "application/json", status, error.message);
	});
	return app;
}

async function receive<Row>(
	request: FastifyRequest,
	reply: FastifyReply,
	signal: Signal<Row>,
	maxBodyBytes: number,
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
		const body = await decompress(request.body, encoding, maxBodyBytes);
		const decoded = signal.decode(body, contentType);
		if (decoded.rejected > 0) {
			request.log.warn({ rejected: decoded.rejected, reason: decoded.rejectedReason }, `rejected some ${signal.kind}`);
		}
		await signal.buffer.add(decoded.rows);
		const response = encodeExportResponse(signal.kind, decoded.rejected, decoded.rejectedReason ?? "", contentType);
		return reply.code(200).type(contentType).send(response);
	} catch (error) {
		if (error instanceof DecompressError) {
			return fail(reply, contentType, error.tooLarge ? 413 : 400, error.message);
		}
		if (error instanceof StoreError && error.code === "OTLP_MALFORMED") {
			return fail(reply, contentType, 400, error.message);
		}
		if (error instanceof BufferFullError || error instanceof BufferClosedError) {
			return fail(reply, contentType, 503, error.message);
		}
		// An INSERT that failed may succeed later (disk full, restart): anything but 503 would lose the data.
		request.log.error({ err: error }, `could not store ${signal.kind}`);
		return fail(reply, contentType, 503, "could not be stored now");
	}
}

function otlpContentType(request: FastifyRequest): OtlpContentType | undefined {
	const name = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
	return name === "application/x-protobuf" || name === "application/json" ? name : undefined;
}

/** Answers with a `google.rpc.Status`, as OTLP/HTTP asks for. */
function fail(reply: FastifyReply, contentType: OtlpContentType, status: number, message: string): FastifyReply {
	if (status === 503) {
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
	return status === 503 ? 14 : status === 401 ? 16 : status === 413 ? 8 : 3;
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
