import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { OtlpContentType } from "../rows.ts";

/**
 * Body of the answer to an OTLP export request.
 * @param rejected records that were refused; with 0 and no message the answer is plain success
 */
export function encodeExportResponse(
	kind: "traces" | "logs",
	rejected: number,
	message: string,
	contentType: OtlpContentType,
): Uint8Array {
	if (contentType === "application/json") {
		const countKey = kind === "traces" ? "rejectedSpans" : "rejectedLogRecords";
		const body =
			rejected === 0 && message === ""
				? {}
				: { partialSuccess: { [countKey]: String(rejected), errorMessage: message } };
		return new TextEncoder().encode(JSON.stringify(body));
	}
	const writer = new BinaryWriter();
	if (rejected !== 0 || message !== "") {
		writer.tag(1, WireType.LengthDelimited).fork();
		// proto3 leaves default values out
		if (rejected !== 0) writer.tag(1, WireType.Varint).int64(rejected);
		if (message !== "") writer.tag(2, WireType.LengthDelimited).string(message);
		writer.join();
	}
	return writer.finish();
}
