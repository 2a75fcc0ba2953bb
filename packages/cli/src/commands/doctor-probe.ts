/** Whether an OTLP endpoint takes what would be sent to it. */
export interface EndpointProbe {
	readonly url: string;
	readonly accepted: boolean;
	/** `HTTP 401`, or why it could not be reached. */
	readonly outcome: string;
}

const LIMIT_MS = 3000;

/** Sends an export request without any spans or events, with the headers that the exporter would send. Never throws. */
export async function probeEndpoint(url: string, headers: Readonly<Record<string, string>>): Promise<EndpointProbe> {
	try {
		const response = await fetch(url, {
			method: "POST",
			headers: { ...headers, "content-type": "application/x-protobuf" },
			// An empty message is a valid request that holds nothing.
			body: new Uint8Array(),
			redirect: "manual",
			signal: AbortSignal.timeout(LIMIT_MS),
		});
		await response.body?.cancel();
		return { url, accepted: response.ok, outcome: `HTTP ${response.status}` };
	} catch (error) {
		const { cause } = error as { cause?: { code?: unknown } };
		const outcome =
			typeof cause?.code === "string" ? cause.code : error instanceof Error ? error.message : String(error);
		return { url, accepted: false, outcome };
	}
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
