export type StoreErrorCode =
	/** Another process has the data folder open. */
	| "STORE_LOCKED"
	/** This process has another data folder open; chDB serves one per process. */
	| "STORE_PATH_CONFLICT"
	/** The folder or the server cannot be opened or reached. */
	| "STORE_UNAVAILABLE"
	/** The engine is older than the schema needs. */
	| "ENGINE_UNSUPPORTED"
	/** Tables that were there before are not such as this schema can use. */
	| "SCHEMA_UNSUPPORTED"
	/** The database was migrated by other files than these. */
	| "MIGRATION_MISMATCH"
	| "MIGRATION_FAILED"
	/** Days that nobody can mean. */
	| "RETENTION_INVALID"
	/** No id that a unit can have. */
	| "FORGET_INVALID"
	/** More rows of nobody mention the unit than are erased unasked. */
	| "FORGET_TOO_WIDE"
	| "INSERT_FAILED"
	| "QUERY_FAILED"
	/** A decision does not have the shape of the schema, when written or when read back. */
	| "DECISION_INVALID"
	/** A statement of a user that is more than a question about the evidence. */
	| "SQL_REFUSED"
	| "SQL_FAILED"
	/** It took more time or memory than it may. */
	| "SQL_LIMIT"
	/** Its answer is larger than one may be. */
	| "SQL_TOO_LARGE"
	| "SQL_BUSY"
	| "STORE_CLOSED"
	/** The body is not an OTLP export request, or its resource is beyond a limit; sending it again cannot help. */
	| "OTLP_MALFORMED"
	| "OTLP_CONTENT_TYPE_UNSUPPORTED";

export type StoreErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

/** Everything that this package throws on purpose. */
export class StoreError extends Error {
	readonly code: StoreErrorCode;
	readonly details: StoreErrorDetails;

	constructor(code: StoreErrorCode, message: string, details: StoreErrorDetails = {}, options?: ErrorOptions) {
		super(message, options);
		this.name = "StoreError";
		this.code = code;
		this.details = details;
	}
}
