import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";

/** Whether an OTLP endpoint takes what would be sent to it. */
export interface EndpointProbe {
	readonly url: string;
	readonly accepted: boolean;
	/** `HTTP 401`, or why it could not be reached. */
	readonly outcome: string;
}

const LIMIT_MS = 3000;

/**
 * Sends an export request without any spans or events, with the headers that the exporter would send, through the same
 * part of Node. Never rejects.
 */
export function probeEndpoint(url: string, headers: Readonly<Record<string, string>>): Promise<EndpointProbe> {
	const { promise, resolve } = Promise.withResolvers<EndpointProbe>();
	const failed = (error: unknown) => {
		const { code, message } = error as { code?: unknown; message?: unknown };
		resolve({ url, accepted: false, outcome: typeof code === "string" ? code : String(message) });
	};
	try {
		const send = new URL(url).protocol === "https:" ? requestHttps : requestHttp;
		const request = send(url, {
			method: "POST",
			headers: { ...headers, "content-type": "application/x-protobuf", "content-length": 0 },
			timeout: LIMIT_MS,
		});
		request.on("error", failed);
		request.on("timeout", () => request.destroy(new Error(`no answer within ${LIMIT_MS / 1000} s`)));
		request.on("response", (response) => {
			const { statusCode = 0 } = response;
			response.resume();
			resolve({ url, accepted: statusCode >= 200 && statusCode < 300, outcome: `HTTP ${statusCode}` });
		});
		// An empty message is a valid request that holds nothing.
		request.end();
	} catch (error) {
		failed(error);
	}
	return promise;
}

/** `name=value,name=value`, percent-encoded, as `OTEL_EXPORTER_OTLP_HEADERS` has them; the signal's own are added. */
export function otlpHeaders(
	environment: Readonly<Record<string, string | undefined>>,
	signal: "TRACES" | "LOGS",
): Record<string, string> {
	const texts = [environment.OTEL_EXPORTER_OTLP_HEADERS, environment[`OTEL_EXPORTER_OTLP_${signal}_HEADERS`]];
	const headers: Record<string, string> = {};
	for (const pair of texts.flatMap((text) => (text ?? "").split(","))) {
		const at = pair.indexOf("=");
		if (at > 0) headers[pair.slice(0, at).trim().toLowerCase()] = decoded(pair.slice(at + 1).trim());
	}
	return headers;
}

function decoded(value: string): string {
	try {
		return decodeURIComponent(value);
	} catch {
		// Not encoded after all.
		return value;
	}
}
