import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface PromptApi {
	readonly baseUrl: string;
	/** Paths that were asked for. */
	readonly requests: string[];
	close(): Promise<void>;
}

/** What Langfuse's server answers to `GET /api/public/v2/prompts/:name`: two messages, as our bundle has them. */
export async function startPromptApi(): Promise<PromptApi> {
	const requests: string[] = [];
	const server = createServer((request, response) => {
		requests.push(request.url ?? "");
		const { pathname, searchParams } = new URL(request.url ?? "", "http://127.0.0.1");
		const label = searchParams.get("label") ?? "production";
		response.writeHead(200, { "content-type": "application/json" });
		response.end(
			JSON.stringify({
				id: "prompt-1",
				name: decodeURIComponent(pathname.split("/").at(-1) ?? ""),
				version: label === "prod-b" ? 2 : 1,
				type: "chat",
				prompt: [
					{ type: "chatmessage", role: "system", content: "You are the plain support agent." },
					{ type: "chatmessage", role: "user", content: "{{question}}" },
				],
				config: { model: "gpt-4o-mini", temperature: 0.2 },
				labels: [label],
				tags: [],
			}),
		);
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return {
		baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		requests,
		close: () =>
			new Promise((resolve) => {
				server.closeAllConnections();
				server.close(() => resolve());
			}),
	};
}
