import type { DecodedLogs, DecodedTraces, OtlpContentType } from "../rows.ts";
import { StoreError } from "../store-error.ts";

export function decodeTraces(_body: Uint8Array, contentType: OtlpContentType): DecodedTraces {
	throw new StoreError("OTLP_CONTENT_TYPE_UNSUPPORTED", `unsupported content type ${contentType}`);
}

export function decodeLogs(_body: Uint8Array, contentType: OtlpContentType): DecodedLogs {
	throw new StoreError("OTLP_CONTENT_TYPE_UNSUPPORTED", `unsupported content type ${contentType}`);
}
