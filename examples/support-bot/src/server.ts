import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import OpenAI from "openai";
import { createApplication } from "./application.ts";

const GRACE_MS = 3_000;

function fail(message: string): never {
	process.stderr.write(`support-bot: ${message}\n`);
	process.exit(1);
}

function readPort(): number {
	const { values } = parseArgs({ options: { port: { type: "string" } } });
	const text = values.port ?? process.env.PORT ?? "3000";
	if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
	throw new Error(`invalid --port: "${text}"; expected a whole number from 0 to 65535`);
}

function start(): void {
	const port = readPort();
	// Reads OPENAI_API_KEY and OPENAI_BASE_URL. Its own retries would hide a failing prompt: with the default of two,
	// 30 % failing requests show as about 3 % failing calls (0.3³), each of them slow.
	const openai = new OpenAI({ maxRetries: 0, timeout: 30_000 });
	const server = createApplication(openai);
	server.on("error", (error: NodeJS.ErrnoException) => {
		fail(error.code === "EADDRINUSE" ? `port ${port} is in use; choose another with --port` : error.message);
	});
	server.listen(port, "127.0.0.1", () => {
		process.stdout.write(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
	});
	// Answers under way are finished; then nothing keeps the process alive, and it ends once its telemetry is sent.
	const stop = (): void => {
		server.close();
		server.closeIdleConnections();
		setTimeout(() => server.closeAllConnections(), GRACE_MS).unref();
	};
	process.once("SIGTERM", stop);
	process.once("SIGINT", stop);
}

try {
	start();
} catch (error) {
	fail(error instanceof Error ? error.message.split("\n", 1)[0]! : String(error));
}
