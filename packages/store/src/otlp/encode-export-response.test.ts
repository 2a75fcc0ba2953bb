import {
	JsonLogsSerializer,
	JsonTraceSerializer,
	ProtobufLogsSerializer,
	ProtobufTraceSerializer,
} from "@opentelemetry/otlp-transformer";
import { expect, test } from "vitest";
import { encodeExportResponse } from "./encode-export-response.ts";

test("the exporters of the OpenTelemetry SDK read a partial success of JSON as it was meant", () => {
	expect(
		JsonTraceSerializer.deserializeResponse(encodeExportResponse("traces", 3, "invalid span id", "application/json")),
	).toEqual({ partialSuccess: { rejectedSpans: "3", errorMessage: "invalid span id" } });
	expect(JsonLogsSerializer.deserializeResponse(encodeExportResponse("logs", 1, "why", "application/json"))).toEqual({
		partialSuccess: { rejectedLogRecords: "1", errorMessage: "why" },
	});
	expect(JsonTraceSerializer.deserializeResponse(encodeExportResponse("traces", 0, "", "application/json"))).toEqual(
		{},
	);
});

test("the exporters of the OpenTelemetry SDK read a partial success of protobuf as it was meant", () => {
	const type = "application/x-protobuf";
	const traces = ProtobufTraceSerializer.deserializeResponse(encodeExportResponse("traces", 300, "grün", type));
	expect(Number(traces.partialSuccess?.rejectedSpans)).toBe(300);
	expect(traces.partialSuccess?.errorMessage).toBe("grün");
	const logs = ProtobufLogsSerializer.deserializeResponse(encodeExportResponse("logs", 1, "why", type));
	expect(Number(logs.partialSuccess?.rejectedLogRecords)).toBe(1);
	expect(encodeExportResponse("traces", 0, "", type)).toHaveLength(0);
});
