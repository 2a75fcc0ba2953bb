/** What went wrong, for programs. */
export type AnalysisErrorCode = "UNKNOWN_METRIC";

export interface AnalysisErrorDetails {
	readonly metric?: string;
	readonly known?: readonly string[];
}

/** Everything this package throws on purpose. */
export class AnalysisError extends Error {
	override readonly name = "AnalysisError";
	readonly code: AnalysisErrorCode;
	readonly details: AnalysisErrorDetails;

	constructor(code: AnalysisErrorCode, message: string, details: AnalysisErrorDetails = {}) {
		super(message);
		this.code = code;
		this.details = details;
	}
}
