import { createHmac, timingSafeEqual } from "node:crypto";
import {
	ARMSPAN_ENROLLED,
	ARMSPAN_EXPERIMENT,
	ARMSPAN_ITERATION,
	ARMSPAN_ROUTING_REVISION,
	ARMSPAN_UNIT_ID,
	ARMSPAN_UNIT_TYPE,
	FEATURE_FLAG_KEY,
	FEATURE_FLAG_RESULT_VARIANT,
	GEN_AI_PROMPT_NAME,
	GEN_AI_PROMPT_VERSION,
} from "@armspan/schema/semconv";
import type { Attributes } from "@opentelemetry/api";

/** What a text signed by us is for; one never passes for the other. */
export type ReferencePurpose = "ar1" | "ab1";

/** An assignment as it travels. */
export interface ReferencedCall {
	/** The assignment, as on the call's spans. */
	readonly attributes: Readonly<Attributes>;
	/** The evaluated span, if one was seen. */
	readonly span: { readonly traceId: string; readonly spanId: string } | undefined;
}

/** Why a reference is refused. */
export type ReferenceRefusal = "no-key" | "malformed" | "signature-wrong" | "expired";

/** The order of the fields between expiry and trace; an empty field is an absent attribute. */
const FIELDS = [
	GEN_AI_PROMPT_NAME,
	GEN_AI_PROMPT_VERSION,
	FEATURE_FLAG_RESULT_VARIANT,
	ARMSPAN_EXPERIMENT,
	ARMSPAN_ITERATION,
	ARMSPAN_UNIT_TYPE,
	ARMSPAN_UNIT_ID,
	ARMSPAN_ROUTING_REVISION,
] as const;
const NUMBERS: ReadonlySet<string> = new Set([ARMSPAN_ITERATION, ARMSPAN_ROUTING_REVISION]);

/** A unit id of 1,000 characters, percent-encoded, and names at their longest. */
const MAX_LENGTH = 10_000;

/** Signs and verifies references with HMAC-SHA256. Format: docs/decisions/0010-references-content-delivery.md. */
export class ReferenceSigner {
	readonly #keys: readonly string[];
	readonly #now: () => number;

	/** @param keys the first signs, all of them verify; with none nothing is signed and nothing verified */
	constructor(keys: readonly string[], now: () => number = Date.now) {
		this.#keys = keys;
		this.#now = now;
	}

	get hasKey(): boolean {
		return this.#keys.length > 0;
	}

	/**
	 * @param lifetimeMs how long it is valid from now on
	 * @returns `undefined` without a key
	 */
	sign(purpose: ReferencePurpose, { attributes, span }: ReferencedCall, lifetimeMs: number): string | undefined {
		const [key] = this.#keys;
		if (key === undefined) return undefined;
		const fields = [
			Math.ceil((this.#now() + lifetimeMs) / 1000),
			...FIELDS.map((name) => attributes[name] ?? ""),
			span?.traceId ?? "",
			span?.spanId ?? "",
		];
		const signed = `${purpose}~${fields.map((field) => encode(String(field))).join("~")}~`;
		return signed + mac(key, signed);
	}

	/** Never throws, whatever the text is. */
	verify(purpose: ReferencePurpose, text: unknown): ReferencedCall | ReferenceRefusal {
		if (!this.hasKey) return "no-key";
		if (typeof text !== "string" || text.length > MAX_LENGTH || !text.startsWith(`${purpose}~`)) return "malformed";
		const end = text.lastIndexOf("~") + 1;
		const signed = text.slice(0, end);
		const given = Buffer.from(text.slice(end));
		if (!this.#keys.some((key) => equal(given, Buffer.from(mac(key, signed))))) return "signature-wrong";
		// What was signed was written by `sign`, or by somebody who may.
		const [, expires, ...fields] = signed.slice(0, -1).split("~").map(decode);
		if (fields.length !== FIELDS.length + 2 || fields.includes(undefined)) return "malformed";
		if (!(Number(expires) * 1000 > this.#now())) return "expired";
		const attributes: Attributes = {};
		for (const [index, name] of FIELDS.entries()) {
			const field = fields[index] as string;
			if (field !== "") attributes[name] = NUMBERS.has(name) ? Number(field) : field;
		}
		attributes[ARMSPAN_ENROLLED] = attributes[ARMSPAN_EXPERIMENT] !== undefined;
		const promptName = attributes[GEN_AI_PROMPT_NAME];
		if (promptName !== undefined) attributes[FEATURE_FLAG_KEY] = promptName;
		const [traceId = "", spanId = ""] = fields.slice(-2);
		const isSpan = /^[0-9a-f]{32}$/.test(traceId) && /^[0-9a-f]{16}$/.test(spanId);
		return { attributes, span: isSpan ? { traceId, spanId } : undefined };
	}
}

function mac(key: string, signed: string): string {
	return createHmac("sha256", key).update(signed, "utf8").digest("base64url");
}

/** Takes as long for a wrong text as for a right one. */
function equal(given: Buffer, expected: Buffer): boolean {
	return given.length === expected.length && timingSafeEqual(given, expected);
}

/** As `encodeURIComponent`, but `~` stands between fields, and half of a surrogate pair is replaced, not thrown at. */
function encode(field: string): string {
	return encodeURIComponent(field.toWellFormed()).replaceAll("~", "%7E");
}

function decode(field: string): string | undefined {
	try {
		return decodeURIComponent(field);
	} catch {
		// A stray percent sign.
		return undefined;
	}
}
