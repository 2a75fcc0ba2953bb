import type { DecodedLogs, DecodedTraces, OtlpContentType } from "../rows.ts";
import { StoreError } from "../store-error.ts";
import { decodeJsonLogs } from "./json-logs.ts";
import { decodeJsonTraces } from "./json-traces.ts";
import { decodeProtobufLogs } from "./protobuf-logs.ts";
import { decodeProtobufTraces } from "./protobuf-traces.ts";

/**
 * Decodes the body of an OTLP trace export into rows of `otel_traces`.
 *
 * Spans that cannot be stored (no valid id, over a limit) are counted in `rejected`; the others are kept.
 * @param body decompressed
 * @throws {StoreError} OTLP_MALFORMED (a resource over a limit too), OTLP_CONTENT_TYPE_UNSUPPORTED; nothing else
 */
export function decodeTraces(body: Uint8Array, contentType: OtlpContentType): DecodedTraces {
	return guarded(body, () => (isJson(contentType) ? decodeJsonTraces(body) : decodeProtobufTraces(body)));
}

/** Decodes the body of an OTLP log export into rows of `otel_logs`; as decodeTraces. */
export function decodeLogs(body: Uint8Array, contentType: OtlpContentType): DecodedLogs {
	return guarded(body, () => (isJson(contentType) ? decodeJsonLogs(body) : decodeProtobufLogs(body)));
}

export function isJson(contentType: string): boolean {
	const essence = contentType.split(";", 1)[0]?.trim().toLowerCase();
	switch (essence) {
		case "application/json":
			return true;
		case "application/x-protobuf":
			return false;
		default:
			throw new StoreError(
				"OTLP_CONTENT_TYPE_UNSUPPORTED",
				`unsupported content type "${contentType}"; expected application/x-protobuf or application/json`,
				{ contentType },
			);
	}
}

export function guarded<Result>(body: Uint8Array, decode: () => Result): Result {
	try {
		return decode();
	} catch (cause) {
		if (cause instanceof StoreError) {
			throw cause;
		}
		// a RecordRefused that arrives here was thrown by the request itself: by a resource or a scope
		const message = cause instanceof Error ? cause.message : String(cause);
		throw new StoreError(
			"OTLP_MALFORMED",
			`body is not an OTLP request: ${message}`,
			{ bytes: body.length },
			{ cause },
		);
	}
}
