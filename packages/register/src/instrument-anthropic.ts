import { diag } from "@opentelemetry/api";
import { makesOwnSpans } from "./anthropic-own-spans.ts";
import { type AnthropicClient, anthropicRequestAttributes } from "./anthropic-request.ts";
import { anthropicErrorType, anthropicResponseReader } from "./anthropic-response.ts";
import { observeApiPromise } from "./api-promise.ts";
import { keepCallersSignal } from "./caller-signal.ts";
import { countAttempts } from "./count-attempts.ts";
import { anthropicPrompt } from "./recognised-texts.ts";
import { fieldsOf, type SdkDialect } from "./sdk-dialect.ts";
import { tracedCall } from "./traced-call.ts";
import { wrapMethod } from "./wrap-method.ts";

const DIALECT: SdkDialect = { createReader: anthropicResponseReader, errorType: anthropicErrorType };

/**
 * Makes one client span per message requested through a copy of `@anthropic-ai/sdk` (0.30 to 1), stable or beta, by
 * wrapping `create` of its resources; the helpers `stream`, `parse` and tool runners go through it.
 *
 * Since 0.134 the SDK makes such spans itself, unless it is told not to (`openTelemetry: false`): where they reach the
 * application's telemetry, they are left to it. Nothing that the caller sees changes. Never throws.
 * @param Anthropic the class, as imported from `@anthropic-ai/sdk`
 * @returns whether the class has the methods that make spans
 */
export function instrumentAnthropic(Anthropic: unknown): boolean {
	try {
		const api = classOf(Anthropic);
		wrapCreate(api.Beta?.Messages?.prototype);
		for (const messages of [api.Messages, api.Beta?.Messages]) keepCallersSignal(messages?.prototype, "stream");
		countAttempts(api.prototype);
		return wrapCreate(api.Messages?.prototype);
	} catch (error) {
		diag.error("[armspan] @anthropic-ai/sdk could not be instrumented:", String(error));
		return false;
	}
}

type AnthropicClass = { prototype?: object } & Record<
	string,
	{ prototype?: object; Messages?: { prototype?: object } } | undefined
>;

/** `require("@anthropic-ai/sdk")` gives a function that has the class as a property. */
function classOf(Anthropic: unknown): AnthropicClass {
	const given = Anthropic as AnthropicClass & { Anthropic?: AnthropicClass; default?: AnthropicClass };
	return given.Messages === undefined ? (given.Anthropic ?? given.default ?? given) : given;
}

function wrapCreate(prototype: object | undefined): boolean {
	return wrapMethod(prototype, "create", (original, self, values) =>
		tracedCall(
			() => {
				const client = (self as { _client?: AnthropicClient } | undefined)?._client;
				if (makesOwnSpans(client)) return undefined;
				const attributes = anthropicRequestAttributes(values[0], client);
				return { operation: "chat", attributes, dialect: DIALECT, body: values[0] };
			},
			() => Reflect.apply(original, self, values),
			observeApiPromise,
			fieldsOf(values[1]).signal,
			() => anthropicPrompt(values[0]),
		),
	);
}
