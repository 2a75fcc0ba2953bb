import { OTLP_LIMITS } from "./limits.ts";
import { RecordRefused } from "./record-refused.ts";

/** Names as the Collector's exporter writes them; an unknown number gives "". */
const SPAN_KINDS = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"];
const STATUS_CODES = ["Unset", "Ok", "Error"];

export function spanKind(kind: number): string {
	return SPAN_KINDS[kind] ?? "";
}

export function statusCode(code: number): string {
	return STATUS_CODES[code] ?? "";
}

/** Well-formed and no longer than a column should hold: a lone surrogate would make the engine refuse the INSERT. */
export function boundedText(text: string): string {
	const cut = text.length > OTLP_LIMITS.stringLength ? text.slice(0, OTLP_LIMITS.stringLength) : text;
	return cut.isWellFormed() ? cut : cut.toWellFormed();
}

const NO_TRACE_ID = "0".repeat(32);
const NO_SPAN_ID = "0".repeat(16);
const TRACE_ID = /^[0-9a-f]{32}$/;
const SPAN_ID = /^[0-9a-f]{16}$/;

/** An id that must be there. @throws {RecordRefused} when it is missing, zero or of another length */
export function requiredId(kind: "trace" | "span", hex: string): string {
	if (!isId(kind, hex)) {
		throw new RecordRefused(`invalid ${kind} id: "${hex.slice(0, 40)}"`);
	}
	return hex;
}

/** An id that may be missing: "" unless it is valid. */
export function optionalId(kind: "trace" | "span", hex: string): string {
	return isId(kind, hex) ? hex : "";
}

function isId(kind: "trace" | "span", hex: string): boolean {
	return kind === "trace" ? TRACE_ID.test(hex) && hex !== NO_TRACE_ID : SPAN_ID.test(hex) && hex !== NO_SPAN_ID;
}

const HIGHEST_TIME = 2n ** 63n - 1n;

/** Nanoseconds since 1970 as text; what DateTime64(9) cannot hold becomes 0, which the evidence tables set apart. */
export function timeText(nanoseconds: bigint): string {
	return nanoseconds > HIGHEST_TIME || nanoseconds < 0n ? "0" : nanoseconds.toString();
}

/** Nanoseconds, unsigned 64 bit as in the Collector: an end before the start wraps around and is set apart later. */
export function durationText(start: bigint, end: bigint): string {
	return BigInt.asUintN(64, end - start).toString();
}

/** Counts what the records of one request may have together: UTC days, events and links. */
export class RequestBudget {
	readonly #days = new Set<number>();
	#items = 0;

	/**
	 * @param items events and links of the record
	 * @throws {RecordRefused} on a day or an item too many
	 */
	spend(time: string, items: number): void {
		if (this.#items + items > OTLP_LIMITS.eventsAndLinksOfRequest) {
			throw new RecordRefused(`more than ${OTLP_LIMITS.eventsAndLinksOfRequest} events and links in one request`);
		}
		const day = Math.floor(Number(time) / 86_400e9);
		if (!this.#days.has(day)) {
			if (this.#days.size >= OTLP_LIMITS.days) {
				throw new RecordRefused(`timestamps of more than ${OTLP_LIMITS.days} days in one request`);
			}
			this.#days.add(day);
		}
		this.#items += items;
	}
}

/** JSON of a double as JavaScript and the Collector write it; JSON has no NaN, so it becomes text. */
export function doubleJson(value: number): string {
	return Number.isFinite(value) ? String(value) : `"${value}"`;
}

/** A JSON object with keys in order, as the Collector writes key-value lists. */
export function objectJson(entries: ReadonlyMap<string, string>): string {
	const keys = [...entries.keys()].sort();
	return `{${keys.map((key) => `${JSON.stringify(key)}:${entries.get(key)}`).join(",")}}`;
}
