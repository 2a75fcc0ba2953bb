import { activeCall, guarded } from "./traced-call.ts";
import { wrapMethod } from "./wrap-method.ts";

/**
 * Counts how often a request is sent. The SDKs of OpenAI and Anthropic send, and send again, through one method of
 * their client; it may be inherited.
 */
export function countAttempts(clientPrototype: object | undefined): void {
	const owner = ownerOf(clientPrototype, "fetchWithTimeout");
	wrapMethod(owner, "fetchWithTimeout", (original, self, values) => {
		guarded(() => activeCall()?.attempted());
		return Reflect.apply(original, self, values);
	});
}

function ownerOf(prototype: object | undefined, name: string): object | undefined {
	let owner: object | null | undefined = prototype;
	while (owner !== null && owner !== undefined && !Object.hasOwn(owner, name)) owner = Object.getPrototypeOf(owner);
	return owner ?? undefined;
}
