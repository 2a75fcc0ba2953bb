import { diag } from "@opentelemetry/api";
import { TIMEOUT } from "./error-type.ts";
import { followedIterator } from "./followed-iterator.ts";
import { type GoogleClient, googleRequestAttributes } from "./google-request.ts";
import { googleResponseReader } from "./google-response.ts";
import type { LlmCall } from "./llm-call.ts";
import { googlePrompt } from "./recognised-texts.ts";
import { fieldsOf, type LlmOperation, type SdkDialect } from "./sdk-dialect.ts";
import { guarded, tracedCall } from "./traced-call.ts";
import { replaceMethod, wrapMethod } from "./wrap-method.ts";

const DIALECT: SdkDialect = { createReader: googleResponseReader, errorType };

/**
 * Makes one client span per request that a copy of `@google/genai` (1 to 3) sends to generate or embed content, by
 * wrapping the methods of `Models` that send one. `generateContent`, `generateContentStream`, `embedContent` and chats
 * go through them; a function that the SDK calls, or an answer that it continues, is a request of its own, and is paid
 * for as such. Nothing that the caller sees changes. Never throws.
 * @param Models the class behind `ai.models`, of which the package exports no name: `ai.models.constructor`; the
 * client object `ai` itself will do as well
 * @returns whether the class has the methods that make spans
 */
export function instrumentGoogleGenAi(Models: unknown): boolean {
	try {
		const prototype = modelsPrototype(Models);
		// Below version 2, the public method is the one that sends.
		if (!wrapRequest(prototype, "embedContentInternal", "embeddings", false)) {
			wrapRequest(prototype, "embedContent", "embeddings", false);
		}
		wrapRequest(prototype, "generateContentStreamInternal", "generate_content", true);
		return wrapRequest(prototype, "generateContentInternal", "generate_content", false);
	} catch (error) {
		diag.error("[armspan] @google/genai could not be instrumented:", String(error));
		return false;
	}
}

function modelsPrototype(given: unknown): object | undefined {
	if (typeof given === "function") return given.prototype as object;
	const { models } = fieldsOf(given);
	return typeof models === "object" && models !== null ? Object.getPrototypeOf(models) : undefined;
}

function wrapRequest(prototype: object | undefined, name: string, operation: LlmOperation, stream: boolean): boolean {
	return wrapMethod(prototype, name, (original, self, values) => {
		const signal = fieldsOf(fieldsOf(values[0]).config).abortSignal;
		const isAborted = () => fieldsOf(signal).aborted === true;
		return tracedCall(
			() => {
				const client = (self as { apiClient?: GoogleClient } | undefined)?.apiClient;
				return {
					operation,
					attributes: googleRequestAttributes(operation, values[0], stream, client),
					dialect: DIALECT,
					body: values[0],
				};
			},
			() => Reflect.apply(original, self, values),
			(result, call) => observePromise(result, call, isAborted),
			signal,
			operation === "embeddings" ? undefined : () => googlePrompt(values[0]),
		);
	});
}

/** The SDK itself waits for this promise in every case: that we look on changes no unhandled rejection. */
function observePromise(result: unknown, call: LlmCall, isAborted: () => boolean): void {
	const fail = (error: unknown) => (isAborted() ? call.abort() : call.fail(error));
	Promise.resolve(result).then(
		(value) => guarded(() => call.received(value, (answer) => followGenerator(answer, call, isAborted, fail))),
		(error: unknown) => guarded(() => fail(error)),
	);
}

/** The generator object stays the same; reading it goes by us. */
function followGenerator(
	value: unknown,
	call: LlmCall,
	isAborted: () => boolean,
	fail: (error: unknown) => void,
): boolean {
	const generator = value as AsyncGenerator<unknown> | null | undefined;
	if (typeof generator !== "object" || generator === null || typeof generator.next !== "function") return false;
	const source = {
		next: generator.next.bind(generator),
		return: generator.return.bind(generator),
		throw: generator.throw.bind(generator),
	};
	const followed = followedIterator(source, call, { isAborted, fail });
	for (const name of ["next", "return", "throw"] as const) {
		const method = followed[name];
		if (method !== undefined) replaceMethod(generator, name, (...values) => Reflect.apply(method, followed, values));
	}
	return true;
}

/** All HTTP errors are of one class; and its abort error, when the caller did not abort, is the timeout. */
function errorType(error: unknown): string | undefined {
	const { status, name } = fieldsOf(error);
	if (typeof status === "number") return String(status);
	return name === "AbortError" ? TIMEOUT : undefined;
}
