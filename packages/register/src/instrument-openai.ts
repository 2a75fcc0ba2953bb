import { GEN_AI_REQUEST_MODEL } from "@armspan/schema/semconv";
import { context, diag, SpanKind, trace } from "@opentelemetry/api";
import { OpenAiCall } from "./openai-call.ts";
import { type OpenAiClient, type OpenAiOperation, openAiRequestAttributes } from "./openai-request.ts";

/** What is used of `openai`'s promise: it parses the body only when somebody waits for it. */
interface ApiPromise {
	responsePromise: Promise<{ response?: { status?: unknown } }>;
	parseResponse: (...values: unknown[]) => unknown;
	asResponse: Method;
	_thenUnwrap?: Method;
}

type Method = (this: unknown, ...values: unknown[]) => unknown;

/** Across copies of this package: one method is never wrapped twice. */
const INSTRUMENTED = Symbol.for("armspan.openai.instrumented");

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
		return chat;
	} catch (error) {
		diag.error("[armspan] openai could not be instrumented:", String(error));
		return false;
	}
}

type OpenAiClass = Record<string, { prototype?: object; Completions?: { prototype?: object } } | undefined>;

/** `require("openai")` gives a function that has the class as a property. */
function classOf(OpenAI: unknown): OpenAiClass {
	const given = OpenAI as OpenAiClass & { OpenAI?: OpenAiClass; default?: OpenAiClass };
	return given.Chat === undefined ? (given.OpenAI ?? given.default ?? given) : given;
}

function wrapCreate(prototype: object | undefined, operation: OpenAiOperation): boolean {
	const original = (prototype as { create?: Method & { [INSTRUMENTED]?: true } } | undefined)?.create;
	if (prototype === undefined || typeof original !== "function") return false;
	if (original[INSTRUMENTED] === true) return true;
	function create(this: unknown, ...values: unknown[]): unknown {
		return tracedCreate(operation, original as Method, this, values);
	}
	Object.defineProperty(create, INSTRUMENTED, { value: true });
	Object.defineProperty(prototype, "create", { value: create, writable: true, configurable: true, enumerable: false });
	return true;
}

function tracedCreate(operation: OpenAiOperation, original: Method, self: unknown, values: unknown[]): unknown {
	const started = guard(() => {
		const client = (self as { _client?: OpenAiClient } | undefined)?._client;
		const attributes = openAiRequestAttributes(operation, values[0], client);
		const model = attributes[GEN_AI_REQUEST_MODEL];
		const span = trace
			.getTracer("@armspan/register")
			.startSpan(model === undefined ? operation : `${operation} ${model}`, { kind: SpanKind.CLIENT, attributes });
		return { call: new OpenAiCall(span), active: trace.setSpan(context.active(), span) };
	});
	if (started === undefined) return Reflect.apply(original, self, values);
	const { call, active } = started;
	let promise: unknown;
	try {
		promise = context.with(active, () => Reflect.apply(original, self, values));
	} catch (error) {
		guard(() => call.fail(error));
		throw error;
	}
	guard(() => observePromise(promise, call));
	return promise;
}

/**
 * Looks on where a request's fate shows: the response promise, the parser, the transformer of a helper, the raw
 * response. Awaiting the promise ourselves would parse the body early and leave nothing for `asResponse()`, and would
 * make an unhandled rejection look handled; so its parts are replaced by equal ones that also tell us.
 */
function observePromise(promise: unknown, call: OpenAiCall): void {
	if (!isApiPromise(promise)) {
		// A version that we do not know: say at least that the call was made.
		call.end();
		return;
	}
	observeResponse(promise, call);
	let parsing = false;
	const parse = promise.parseResponse;
	replace(promise, "parseResponse", function (this: unknown, ...values) {
		parsing = true;
		return observeParsed(Reflect.apply(parse, this, values), call);
	});
	const asResponse = promise.asResponse;
	replace(promise, "asResponse", async function (this: unknown) {
		const response = await Reflect.apply(asResponse, this, []);
		// `withResponse` takes both; then the parser has the better view.
		if (!parsing) guard(() => call.respondedRaw((response as { status?: unknown } | undefined)?.status));
		return response;
	});
	const thenUnwrap = promise._thenUnwrap;
	if (typeof thenUnwrap !== "function") return;
	// `parse()` and `stream()` go this way; since 7.50 the promise that it makes knows nothing of our parser.
	replace(promise, "_thenUnwrap", function (this: unknown, transform) {
		const observing = (value: unknown, ...rest: unknown[]): unknown => {
			guard(() => call.received(value));
			return (transform as Method)(value, ...rest);
		};
		const derived = Reflect.apply(thenUnwrap, this, [observing]);
		guard(() => observePromise(derived, call));
		return derived;
	});
}

/** Only when somebody reads the promise: until then, whether a rejection is handled is between SDK and caller. */
function observeResponse(promise: ApiPromise, call: OpenAiCall): void {
	const { responsePromise } = promise;
	let observed: ApiPromise["responsePromise"] | undefined;
	Object.defineProperty(promise, "responsePromise", {
		configurable: true,
		enumerable: true,
		get() {
			observed ??= responsePromise.then(undefined, (error: unknown) => {
				guard(() => call.fail(error));
				throw error;
			});
			return observed;
		},
		set(value: ApiPromise["responsePromise"]) {
			observed = value;
		},
	});
}

async function observeParsed(result: unknown, call: OpenAiCall): Promise<unknown> {
	let value: unknown;
	try {
		value = await result;
	} catch (error) {
		guard(() => call.fail(error));
		throw error;
	}
	guard(() => call.received(value));
	return value;
}

function replace(target: object, name: string, method: Method): void {
	Object.defineProperty(target, name, { value: method, configurable: true, writable: true, enumerable: false });
}

function isApiPromise(value: unknown): value is ApiPromise {
	const promise = value as Partial<ApiPromise> | undefined;
	return (
		typeof promise?.parseResponse === "function" &&
		typeof promise.responsePromise?.then === "function" &&
		typeof promise.asResponse === "function"
	);
}

function guard<Result>(part: () => Result): Result | undefined {
	try {
		return part();
	} catch (error) {
		diag.error("[armspan] openai span:", String(error));
		return undefined;
	}
}
