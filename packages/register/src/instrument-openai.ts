import { diag } from "@opentelemetry/api";
import { observeApiPromise } from "./api-promise.ts";
import { keepCallersSignal } from "./caller-signal.ts";
import { countAttempts } from "./count-attempts.ts";
import { type OpenAiClient, openAiRequestAttributes } from "./openai-request.ts";
import { openAiResponseReader } from "./openai-response.ts";
import { openAiPrompt } from "./recognised-texts.ts";
import { fieldsOf, type LlmOperation, type SdkDialect } from "./sdk-dialect.ts";
import { tracedCall } from "./traced-call.ts";
import { wrapMethod } from "./wrap-method.ts";

const DIALECT: SdkDialect = { createReader: openAiResponseReader };

/**
 * Makes one client span per request of an `openai` package's copy (4.19 to 7), by wrapping `create` of its resources.
 * Nothing that the caller sees changes: the same promise object comes back, with `withResponse` and `asResponse`.
 * `@armspan/register` calls this for every copy that is loaded; call it yourself when the application is bundled.
 * Never throws.
 * @param OpenAI the class, as imported from `openai`
 * @returns whether the class has the methods that make spans
 */
export function instrumentOpenAi(OpenAI: unknown): boolean {
	try {
		const api = classOf(OpenAI);
		const chat = wrapCreate(api.Chat?.Completions?.prototype, "chat");
		wrapCreate(api.Responses?.prototype, "chat");
		wrapCreate(api.Completions?.prototype, "text_completion");
		wrapCreate(api.Embeddings?.prototype, "embeddings");
		for (const helper of ["stream", "runTools"]) keepCallersSignal(api.Chat?.Completions?.prototype, helper);
		keepCallersSignal(api.Responses?.prototype, "stream");
		countAttempts(api.prototype);
		return chat;
	} catch (error) {
		diag.error("[armspan] openai could not be instrumented:", String(error));
		return false;
	}
}

type OpenAiClass = { prototype?: object } & Record<
	string,
	{ prototype?: object; Completions?: { prototype?: object } } | undefined
>;

/** `require("openai")` gives a function that has the class as a property. */
function classOf(OpenAI: unknown): OpenAiClass {
	const given = OpenAI as OpenAiClass & { OpenAI?: OpenAiClass; default?: OpenAiClass };
	return given.Chat === undefined ? (given.OpenAI ?? given.default ?? given) : given;
}

function wrapCreate(prototype: object | undefined, operation: LlmOperation): boolean {
	return wrapMethod(prototype, "create", (original, self, values) =>
		tracedCall(
			() => {
				const client = (self as { _client?: OpenAiClient } | undefined)?._client;
				const attributes = openAiRequestAttributes(operation, values[0], client);
				return { operation, attributes, dialect: DIALECT, body: values[0] };
			},
			() => Reflect.apply(original, self, values),
			observeApiPromise,
			fieldsOf(values[1]).signal,
			operation === "embeddings" ? undefined : () => openAiPrompt(values[0]),
		),
	);
}
