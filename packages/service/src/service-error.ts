export type ServiceErrorCode =
	| "TOKEN_REQUIRED"
	| "TOKEN_EMPTY"
	| "ROUTING_LOCKED"
	| "PORT_IN_USE"
	| "ADDRESS_UNAVAILABLE"
	| "UNKNOWN_ENVIRONMENT"
	| "UNKNOWN_ITERATION"
	| "UNKNOWN_PROMPT"
	| "ITERATION_CHANGED"
	| "PRIVATE_KEY_UNREADABLE"
	| "STARTING";

/** What the service refuses or cannot do. The message names the cause and the next thing to try. */
export class ServiceError extends Error {
	override readonly name = "ServiceError";
	readonly code: ServiceErrorCode;
	readonly details: Readonly<Record<string, unknown>>;

	constructor(code: ServiceErrorCode, message: string, details: Record<string, unknown> = {}, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
		this.details = details;
	}
}
