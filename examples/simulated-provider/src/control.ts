import { InvalidRequest } from "./chat-request.ts";
import { type Behaviour, PROMPT_KINDS } from "./simulate-reply.ts";

/** The behaviour after `POST /control`; what the body does not name stays. @throws {InvalidRequest} */
export function changeBehaviour(current: Behaviour, text: string): Behaviour {
	let body: unknown;
	try {
		body = JSON.parse(text);
	} catch {
		throw new InvalidRequest("body", "the body is not valid JSON");
	}
	if (typeof body !== "object" || body === null) throw new InvalidRequest("body", "expected a JSON object");
	let { latencyScale } = current;
	const errorRate = { ...current.errorRate };
	for (const [key, value] of Object.entries(body)) {
		if (key === "latencyScale") latencyScale = numberUpTo(key, value, 1000);
		else if (key !== "errorRate" || typeof value !== "object" || value === null) {
			throw new InvalidRequest(key, `expected {"errorRate": {"friendly": 0.3}, "latencyScale": 1}`);
		} else {
			for (const [kind, rate] of Object.entries(value)) {
				const known = PROMPT_KINDS.find((promptKind) => promptKind === kind);
				if (!known) throw new InvalidRequest(`errorRate.${kind}`, `expected one of ${PROMPT_KINDS.join(", ")}`);
				errorRate[known] = numberUpTo(`errorRate.${kind}`, rate, 1);
			}
		}
	}
	return { errorRate, latencyScale };
}

function numberUpTo(field: string, value: unknown, maximum: number): number {
	if (typeof value === "number" && value >= 0 && value <= maximum) return value;
	throw new InvalidRequest(field, `invalid ${field}: ${JSON.stringify(value)}; expected a number from 0 to ${maximum}`);
}
