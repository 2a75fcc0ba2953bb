/** A record cannot be stored; the others of its request can. */
export class RecordRefused extends Error {
	constructor(reason: string) {
		// always caught, and a request may be made of nothing else: finding out where it was thrown costs the most
		const { stackTraceLimit } = Error;
		Error.stackTraceLimit = 0;
		super(reason);
		Error.stackTraceLimit = stackTraceLimit;
		this.name = "RecordRefused";
	}
}
