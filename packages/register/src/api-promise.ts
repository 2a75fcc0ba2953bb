import { followApiStream } from "./api-stream.ts";
import type { LlmCall } from "./llm-call.ts";
import { followRawResponse } from "./raw-response.ts";
import { guarded } from "./traced-call.ts";
import { type Method, replaceMethod } from "./wrap-method.ts";

/** What is used of the promise of `openai` and `@anthropic-ai/sdk`: it parses the body only when somebody waits. */
interface ApiPromise {
	responsePromise: Promise<{ response?: { status?: unknown } }>;
	parseResponse: Method;
	asResponse: Method;
	_thenUnwrap?: Method;
}

/**
 * Looks on where a request's fate shows: the response promise, the parser, the transformer of a helper, the raw
 * response. Awaiting the promise ourselves would parse the body early and leave nothing for `asResponse()`, and would
 * make an unhandled rejection look handled; so its parts are replaced by equal ones that also tell us.
 */
export function observeApiPromise(promise: unknown, call: LlmCall): void {
	if (!isApiPromise(promise)) {
		// A version that we do not know: say at least that the call was made.
		call.end();
		return;
	}
	observeResponse(promise, call);
	let parsing = false;
	const parse = promise.parseResponse;
	replaceMethod(promise, "parseResponse", function (this: unknown, ...values) {
		parsing = true;
		return observeParsed(Reflect.apply(parse, this, values), call);
	});
	const asResponse = promise.asResponse;
	replaceMethod(promise, "asResponse", async function (this: unknown) {
		const response = await Reflect.apply(asResponse, this, []);
		// `withResponse` takes both; then the parser has the better view.
		if (!parsing) guarded(() => followRawResponse(response, call));
		return response;
	});
	const thenUnwrap = promise._thenUnwrap;
	if (typeof thenUnwrap !== "function") return;
	// `parse()` and `stream()` go this way; since 7.50 the promise that it makes knows nothing of our parser.
	replaceMethod(promise, "_thenUnwrap", function (this: unknown, transform) {
		const observing = (value: unknown, ...rest: unknown[]): unknown => {
			guarded(() => call.received(value, followApiStream));
			return (transform as Method)(value, ...rest);
		};
		const derived = Reflect.apply(thenUnwrap, this, [observing]);
		guarded(() => observeApiPromise(derived, call));
		return derived;
	});
}

/** Only when somebody reads the promise: until then, whether a rejection is handled is between SDK and caller. */
function observeResponse(promise: ApiPromise, call: LlmCall): void {
	const { responsePromise } = promise;
	let observed: ApiPromise["responsePromise"] | undefined;
	Object.defineProperty(promise, "responsePromise", {
		configurable: true,
		enumerable: true,
		get() {
			observed ??= responsePromise.then(undefined, (error: unknown) => {
				guarded(() => call.fail(error));
				throw error;
			});
			return observed;
		},
		set(value: ApiPromise["responsePromise"]) {
			observed = value;
		},
	});
}

async function observeParsed(result: unknown, call: LlmCall): Promise<unknown> {
	let value: unknown;
	try {
		value = await result;
	} catch (error) {
		guarded(() => call.fail(error));
		throw error;
	}
	guarded(() => call.received(value, followApiStream));
	return value;
}

function isApiPromise(value: unknown): value is ApiPromise {
	const promise = value as Partial<ApiPromise> | undefined;
	return (
		typeof promise?.parseResponse === "function" &&
		typeof promise.responsePromise?.then === "function" &&
		typeof promise.asResponse === "function"
	);
}
