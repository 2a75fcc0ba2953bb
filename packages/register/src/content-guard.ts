import {
	EVENT_FEATURE_FLAG_EVALUATION,
	EVENT_GEN_AI_EVALUATION_RESULT,
	GEN_AI_EVALUATION_EXPLANATION,
} from "@armspan/schema/semconv";
import { type Attributes, type AttributeValue, diag } from "@opentelemetry/api";
import type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { isContentAttribute, isLongText, isMessageEvent, isOfLlm, mayBeMessage } from "./content-attributes.ts";

/** Where a text stands that is about to leave. */
export interface TextPlace {
	/** Attribute key, `status.message`, or `body`. */
	readonly where: string;
}

/** Gives the text that may leave; whatever it throws on, or answers with anything but text, is dropped. */
export type Redact = (text: string, place: TextPlace) => string;

export interface ContentOptions {
	/** Whether prompts and answers leave the process at all. Default: they do not. */
	readonly capture: boolean;
	/** What each of them goes through then; also what users wrote as explanation of their feedback, captured or not. */
	readonly redact?: Redact | undefined;
}

const STACK = "exception.stacktrace";
const OWN_EVENTS: ReadonlySet<string | undefined> = new Set([
	EVENT_FEATURE_FLAG_EVALUATION,
	EVENT_GEN_AI_EVALUATION_RESULT,
]);
/** A place in the code; what a message says on lines of its own may only look like it. */
const FRAME = /^\s+at .+:\d+:\d+\)?$|^\s+at .+ \((?:native|<anonymous>|node:[^)]*)\)$/;

/** Among what an attribute stands. */
interface Place {
	/** On a span or record of an LLM library, or inside a routed call. */
	readonly ofLlm: boolean;
	/** In an event that has a message. */
	readonly ofMessage: boolean;
}

/** Takes content out of spans and log records, or lets it pass redaction. Never throws. */
export class ContentGuard {
	readonly #capture: boolean;
	readonly #redact: Redact | undefined;
	#warned = false;

	constructor({ capture, redact }: ContentOptions) {
		this.#capture = capture;
		this.#redact = redact;
	}

	/** @returns the span itself when there is nothing to take out, else a copy of what exporters read */
	readonly span = (span: ReadableSpan): ReadableSpan => {
		const place: Place = { ofLlm: isOfLlm(span.attributes), ofMessage: false };
		const attributes = this.#attributes(span.attributes, place);
		const message =
			span.status.message === undefined ? undefined : this.#content("status.message", span.status.message);
		const events = span.events.map((event) => {
			const inEvent = { ...place, ofMessage: isMessageEvent(event.name) };
			const clean = event.attributes === undefined ? undefined : this.#attributes(event.attributes, inEvent);
			return clean === event.attributes ? event : { ...event, ...(clean === undefined ? {} : { attributes: clean }) };
		});
		const links = span.links.map((link) => {
			const clean = link.attributes === undefined ? undefined : this.#attributes(link.attributes, place);
			return clean === link.attributes ? link : { ...link, ...(clean === undefined ? {} : { attributes: clean }) };
		});
		const same =
			attributes === span.attributes &&
			message === span.status.message &&
			events.every((event, index) => event === span.events[index]) &&
			links.every((link, index) => link === span.links[index]);
		if (same) return span;
		const { parentSpanContext } = span;
		return {
			name: span.name,
			kind: span.kind,
			spanContext: () => span.spanContext(),
			...(parentSpanContext === undefined ? {} : { parentSpanContext }),
			startTime: span.startTime,
			endTime: span.endTime,
			duration: span.duration,
			ended: span.ended,
			status: message === undefined ? { code: span.status.code } : { code: span.status.code, message },
			attributes,
			events,
			links,
			resource: span.resource,
			instrumentationScope: span.instrumentationScope,
			droppedAttributesCount: span.droppedAttributesCount,
			droppedEventsCount: span.droppedEventsCount,
			droppedLinksCount: span.droppedLinksCount,
		};
	};

	/** As `span`. The body of the application's own log lines is the application's business. */
	readonly logRecord = (record: ReadableLogRecord): ReadableLogRecord => {
		const name = record.eventName ?? record.attributes["event.name"];
		const isOwn = OWN_EVENTS.has(name as string | undefined);
		const ofMessage = isMessageEvent(name) && !isOwn;
		const attributes = this.#attributes(record.attributes as Attributes, {
			ofLlm: !isOwn && isOfLlm(record.attributes),
			ofMessage,
		});
		const body = ofMessage && record.body !== undefined ? this.#value("body", record.body) : record.body;
		if (attributes === record.attributes && body === record.body) return record;
		const { spanContext, severityText, severityNumber, eventName } = record;
		return {
			hrTime: record.hrTime,
			hrTimeObserved: record.hrTimeObserved,
			...(spanContext === undefined ? {} : { spanContext }),
			...(severityText === undefined ? {} : { severityText }),
			...(severityNumber === undefined ? {} : { severityNumber }),
			...(eventName === undefined ? {} : { eventName }),
			...(body === undefined ? {} : { body: body as NonNullable<ReadableLogRecord["body"]> }),
			attributes,
			resource: record.resource,
			instrumentationScope: record.instrumentationScope,
			droppedAttributesCount: record.droppedAttributesCount,
		};
	};

	#attributes(attributes: Attributes, place: Place): Attributes {
		let clean: Attributes | undefined;
		for (const [key, value] of Object.entries(attributes)) {
			const kept = this.#attribute(key, value, attributes, place);
			if (kept === value) continue;
			clean ??= { ...attributes };
			if (kept === undefined) delete clean[key];
			else clean[key] = kept as AttributeValue;
		}
		return clean ?? attributes;
	}

	#attribute(key: string, value: unknown, among: Attributes, { ofLlm, ofMessage }: Place): unknown {
		// The application wrote it on purpose; it still may want its own patterns taken out.
		if (key === GEN_AI_EVALUATION_EXPLANATION) return this.#redacted(key, value);
		if (key === STACK && !this.#capture) return typeof value === "string" ? framesOf(value, among) : undefined;
		const isContent =
			key === STACK ||
			isContentAttribute(key) ||
			(ofMessage && isText(value) && mayBeMessage(key)) ||
			(ofLlm && isLongText(key, value));
		return isContent ? this.#value(key, value) : value;
	}

	#value(where: string, value: unknown): unknown {
		if (!this.#capture) return undefined;
		try {
			return this.#redacted(where, value);
		} catch {
			// A body that holds itself, or a getter that throws.
			return undefined;
		}
	}

	#content(where: string, text: string): string | undefined {
		return this.#value(where, text) as string | undefined;
	}

	/** Texts in lists and maps, too; what is no text says nothing. */
	#redacted(where: string, value: unknown): unknown {
		if (this.#redact === undefined) return value;
		if (typeof value === "string") return this.#redactedText(where, value);
		if (Array.isArray(value)) {
			return value.map((one) => this.#redacted(where, one)).filter((one) => one !== undefined);
		}
		if (value instanceof Uint8Array) return undefined;
		if (typeof value === "object" && value !== null) {
			const entries = Object.entries(value).map(([key, one]) => [key, this.#redacted(where, one)]);
			return Object.fromEntries(entries.filter(([, one]) => one !== undefined));
		}
		return value;
	}

	#redactedText(where: string, text: string): string | undefined {
		try {
			const redacted: unknown = this.#redact?.(text, { where });
			if (typeof redacted === "string") return redacted;
			// Nobody waits for it; its rejection would end the host.
			if (redacted instanceof Promise) redacted.catch(() => {});
			this.#warnOnce(
				redacted instanceof Promise ? "answers with a promise, it must answer at once" : "answers with no text",
			);
		} catch {
			// Not with the error, which may quote the text.
			this.#warnOnce("has thrown");
		}
		// Better no text than one that should not leave.
		return undefined;
	}

	#warnOnce(what: string): void {
		if (this.#warned) return;
		this.#warned = true;
		diag.warn(`[armspan] the redaction function ${what}; texts for which it does are dropped`);
	}
}

/** Numbers and booleans are no message. */
function isText(value: unknown): boolean {
	return typeof value === "string" || (typeof value === "object" && value !== null);
}

/** A stack without the message in front of it, which may have many lines. */
function framesOf(stack: string, { "exception.message": message, "exception.type": type }: Attributes): string {
	const rest = typeof message === "string" && message !== "" ? stack.replaceAll(message, "") : stack;
	const frames = rest.split("\n").filter((line) => FRAME.test(line));
	return [typeof type === "string" ? type : "Error", ...frames].join("\n");
}
