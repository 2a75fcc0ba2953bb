import { isDeepStrictEqual } from "node:util";
import { encodeLogRows, encodeTraceRows } from "../../src/encode-rows.ts";
import { readBlock } from "../../src/native/read-block.ts";
import { decodeLogs, decodeTraces } from "../../src/otlp/decode.ts";
import { OTLP_LIMITS } from "../../src/otlp/limits.ts";
import { RecordRefused } from "../../src/otlp/record-refused.ts";
import { transcodeLogs, transcodeTraces } from "../../src/otlp/transcode.ts";
import type { Decoded, EncodedRows, LogRow, OtlpContentType, TraceRow } from "../../src/rows.ts";
import { StoreError } from "../../src/store-error.ts";
import { countJsonRecords, countProtobufRecords } from "./count-records.ts";
import type { FuzzBody } from "./fuzz-body.ts";
import type { Signal } from "./logical-request.ts";
import { referenceRows } from "./reference-decoder.ts";

/** Something that must not be, whatever body came. */
export class FuzzViolation extends Error {
	override readonly name = "FuzzViolation";
}

type Outcome = "accepted" | "partial" | "refused";

export interface CheckedBody {
	outcome: Outcome;
	/** The block of what was accepted. */
	encoded: EncodedRows | undefined;
	/** Of a sample: what the reference decoder said. */
	reference: "agrees" | "refuses" | "accepts more" | undefined;
}

export interface CheckOptions {
	/** Decode again, and read the block back though it has the bytes of the rows. */
	thorough: boolean;
	/** Decode with `@bufbuild/protobuf` too. */
	differential: boolean;
}

/**
 * Decodes a body in every way that there is.
 * @throws {FuzzViolation}
 */
export function checkBody({ signal, contentType, body, twin }: FuzzBody, options: CheckOptions): CheckedBody {
	const rows = attempt(() => decode(signal, body, contentType));
	const encoded = attempt(() => transcode(signal, body, contentType));
	if (Object.keys(Object.prototype).length > 0) {
		throw new FuzzViolation(`Object.prototype has ${Object.keys(Object.prototype)}`);
	}
	if (rows instanceof StoreError || encoded instanceof StoreError) {
		same("error", (rows as StoreError).code, (encoded as StoreError).code);
		if (twin !== undefined)
			assertResourceRefused(
				rows as StoreError,
				attempt(() => decode(signal, twin, otherType(contentType))),
			);
		return {
			outcome: "refused",
			encoded: undefined,
			reference: reference(signal, contentType, body, undefined, options),
		};
	}
	same("rejected", rows.rejected, encoded.rejected);
	same("reason", rows.rejectedReason, encoded.rejectedReason);
	same("rows", rows.rows.length, encoded.rows);
	if (rows.rejected > 0 === (rows.rejectedReason ?? "").length < 1)
		throw new FuzzViolation("rejected without a reason");
	const records = contentType === "application/json" ? countJsonRecords(body) : countProtobufRecords(body);
	same("records", rows.rows.length + rows.rejected, records);
	for (const row of rows.rows) assertRow(row);

	const rowsBlock = encode(signal, rows);
	if (options.thorough || Buffer.compare(rowsBlock, encoded.block) !== 0) {
		const read = readBlock(encoded.block);
		same("rows of the block", read.length, encoded.rows);
		equal("block of rows and block that was copied", readBlock(rowsBlock), read);
	}
	if (options.thorough) {
		const again = attempt(() => transcode(signal, body, contentType));
		if (again instanceof StoreError || Buffer.compare(again.block, encoded.block) !== 0) {
			throw new FuzzViolation("decoding twice gives other bytes");
		}
	}
	if (twin !== undefined) {
		const twinRows = attempt(() => decode(signal, twin, otherType(contentType)));
		if (twinRows instanceof StoreError) throw new FuzzViolation(`the other encoding: ${twinRows.message}`);
		same("rejected in the other encoding", rows.rejected, twinRows.rejected);
		if (Buffer.compare(rowsBlock, encode(signal, twinRows)) !== 0) {
			equal("rows of the other encoding", twinRows.rows, rows.rows);
		}
	}
	return {
		outcome: rows.rejected > 0 ? "partial" : "accepted",
		encoded,
		reference: reference(signal, contentType, body, { rejected: rows.rejected, block: encoded.block }, options),
	};
}

function otherType(contentType: OtlpContentType): OtlpContentType {
	return contentType === "application/json" ? "application/x-protobuf" : "application/json";
}

/** Of what an exporter writes, only a resource or scope over a limit is refused as a whole, in both encodings. */
function assertResourceRefused(one: StoreError, other: unknown): void {
	if (!(one.cause instanceof RecordRefused) || !(other instanceof StoreError && other.cause instanceof RecordRefused)) {
		throw new FuzzViolation(`a body as an exporter writes it: ${one.message}`);
	}
}

type AnyDecoded = Decoded<TraceRow> | Decoded<LogRow>;

function decode(signal: Signal, body: Uint8Array, contentType: OtlpContentType): AnyDecoded {
	return signal === "traces" ? decodeTraces(body, contentType) : decodeLogs(body, contentType);
}

function transcode(signal: Signal, body: Uint8Array, contentType: OtlpContentType): EncodedRows {
	return signal === "traces" ? transcodeTraces(body, contentType) : transcodeLogs(body, contentType);
}

function encode(signal: Signal, { rows }: AnyDecoded): Uint8Array {
	return signal === "traces" ? encodeTraceRows(rows as TraceRow[]) : encodeLogRows(rows as LogRow[]);
}

/** The result, or the decoder's own error; anything else that is thrown is a violation. */
function attempt<Result>(run: () => Result): Result | StoreError {
	try {
		return run();
	} catch (error) {
		if (!(error instanceof StoreError)) {
			throw new FuzzViolation(`threw ${error}`, { cause: error });
		}
		const { cause, code, message } = error;
		// mistakes of ours, and a stack that ran out, would otherwise pass for a malformed body
		if (cause instanceof TypeError || (cause instanceof RangeError && cause.message.includes("call stack"))) {
			throw new FuzzViolation(`threw ${cause}`, { cause });
		}
		if (code !== "OTLP_MALFORMED" || message.length < 20 || message.length > 400) {
			throw new FuzzViolation(`threw ${code}: ${message}`);
		}
		return error;
	}
}

const TRACE_ID = /^[0-9a-f]{32}$/;
const SPAN_ID = /^[0-9a-f]{16}$/;

function assertRow(row: TraceRow | LogRow): void {
	if (!/^\d{1,19}$/.test(row.Timestamp) || BigInt(row.Timestamp) >= 2n ** 63n) {
		throw new FuzzViolation(`Timestamp ${row.Timestamp}`);
	}
	const isOptional = "LogAttributes" in row;
	for (const [id, form] of [
		[row.TraceId, TRACE_ID],
		[row.SpanId, SPAN_ID],
	] as const) {
		if (!form.test(id) && !(isOptional && id === "")) throw new FuzzViolation(`id ${id}`);
	}
	for (const value of Object.values(row)) {
		if (typeof value === "string") assertText(value);
		else if (value instanceof Map) {
			if (value.size > OTLP_LIMITS.attributes) throw new FuzzViolation(`${value.size} attributes`);
			for (const [key, item] of value) {
				assertText(key);
				assertText(item);
			}
		}
	}
}

function assertText(text: string): void {
	if (typeof text !== "string" || !text.isWellFormed()) throw new FuzzViolation(`text ${JSON.stringify(text)}`);
}

function reference(
	signal: Signal,
	contentType: OtlpContentType,
	body: Uint8Array,
	ours: { rejected: number; block: Uint8Array } | undefined,
	{ differential }: CheckOptions,
): CheckedBody["reference"] {
	if (!differential || contentType !== "application/x-protobuf") {
		return undefined;
	}
	const rows = referenceRows(body, signal);
	if (rows === undefined) return ours === undefined ? "agrees" : "refuses";
	if (ours === undefined) return "accepts more";
	// which records are refused is told by the rows themselves
	if (ours.rejected > 0) return "agrees";
	const read = readBlock(ours.block).map((row) =>
		Object.fromEntries(Object.entries(row).filter(([name]) => name !== "ServiceName")),
	);
	equal("rows of @bufbuild/protobuf", rows, read);
	return "agrees";
}

function same(what: string, one: unknown, other: unknown): void {
	if (one !== other) throw new FuzzViolation(`${what}: ${String(one)} and ${String(other)}`);
}

function equal(what: string, one: unknown, other: unknown): void {
	if (!isDeepStrictEqual(one, other)) {
		const text = (value: unknown) =>
			JSON.stringify(value, (_, item) =>
				typeof item === "bigint" ? `${item}n` : item instanceof Map ? [...item] : item,
			);
		const [left, right] = [text(one), text(other)];
		let at = 0;
		while (left[at] === right[at] && at < left.length) at += 1;
		const from = Math.max(0, at - 60);
		throw new FuzzViolation(`${what} differ: ${left.slice(from, at + 60)} and ${right.slice(from, at + 60)}`);
	}
}
