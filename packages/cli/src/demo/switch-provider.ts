import { CliError } from "../cli-error.ts";

/** Sets the simulated provider's error rate per prompt kind. Returns when it took effect, by the provider's clock. */
export async function switchProvider(providerUrl: string, errorRate: Readonly<Record<string, number>>): Promise<Date> {
	const response = await fetch(`${providerUrl}/control`, {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: JSON.stringify({ errorRate }),
	});
	const answer = (await response.json()) as { at?: string };
	if (!response.ok || answer.at === undefined) {
		throw new CliError(
			"DEMO_CHILD_FAILED",
			`the simulated provider refused to switch: ${response.status} ${JSON.stringify(answer)}`,
		);
	}
	return new Date(answer.at);
}
