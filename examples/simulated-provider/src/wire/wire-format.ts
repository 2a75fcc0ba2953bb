import type { ChatRequest, JsonObject } from "../chat-request.ts";
import type { SimulatedUsage } from "../simulated-usage.ts";

/** An answer before it is put in a provider's words. */
export interface Answer {
	readonly id: string;
	readonly request: ChatRequest;
	readonly text: string;
	readonly finishReason: "stop" | "length";
	readonly usage: SimulatedUsage;
	/** Seconds since 1970. */
	readonly created: number;
}

/** Server-sent events, as they stand on the wire. */
interface AnswerEvents {
	readonly opening: readonly string[];
	/** One event for a piece of the text. */
	part(text: string): string;
	readonly closing: readonly string[];
	/** What stands in the place of the closing when the provider fails in mid-stream. */
	readonly failure: string;
}

export interface Failure {
	readonly status: number;
	readonly message: string;
	/** The parameter that is wrong, for a request that is refused. */
	readonly param?: string;
}

/** How one endpoint of a provider is asked, and how it answers. */
export interface WireFormat {
	/** Before the digits of a response's id. */
	readonly idPrefix: string;
	/** Header that carries the request's id. */
	readonly requestIdHeader: string;
	/** @throws {InvalidRequest} naming the parameter that is wrong */
	parse(body: JsonObject, route: { readonly model: string; readonly stream: boolean }): ChatRequest;
	whole(answer: Answer): unknown;
	/** Absent where nothing is streamed. */
	events?(answer: Answer): AnswerEvents;
	error(failure: Failure): unknown;
}

export function dataEvent(value: unknown): string {
	return `data: ${JSON.stringify(value)}\n\n`;
}

/** An event that has a name, which is also its type. */
export function namedEvent(value: { readonly type: string; readonly [field: string]: unknown }): string {
	return `event: ${value.type}\n${dataEvent(value)}`;
}
