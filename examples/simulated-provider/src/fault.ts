import { InvalidRequest } from "./chat-request.ts";

const FAULTS = ["hang", "disconnect", "malformed", "never-ends", "failure-event"] as const;

/**
 * What goes wrong with one call: no answer at all; the connection cut, in mid-stream if it is one; JSON that is none;
 * a stream that falls silent; a stream that ends by saying it failed; or an HTTP status.
 */
export type Fault = (typeof FAULTS)[number] | number | undefined;

/** From the header `x-simulated-fault`. @throws {InvalidRequest} */
export function faultOf(header: string | string[] | undefined): Fault {
	if (header === undefined) return undefined;
	const known = FAULTS.find((fault) => fault === header);
	if (known !== undefined) return known;
	if (typeof header === "string" && /^[45]\d\d$/.test(header)) return Number(header);
	throw new InvalidRequest(
		"x-simulated-fault",
		`invalid x-simulated-fault: "${header}"; expected ${FAULTS.join(", ")} or a status from 400 to 599`,
	);
}
