import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { createProvider } from "./provider.ts";
import { ServedLog } from "./served-log.ts";

const USAGE = "usage: node src/server.ts [--port 8787] [--seed 1] [--log FILE]";

function fail(message: string): never {
	process.stderr.write(`simulated-provider: ${message}\n`);
	process.exit(1);
}

function readOptions(): { port: number; seed: number; log: string | undefined } {
	const string = { type: "string" } as const;
	const { values } = parseArgs({ options: { port: string, seed: string, log: string } });
	const wholeNumber = (name: "port" | "seed", fallback: string, maximum: number): number => {
		const text = values[name] ?? process.env[name.toUpperCase()] ?? fallback;
		if (/^\d{1,15}$/.test(text) && Number(text) <= maximum) return Number(text);
		throw new Error(`invalid --${name}: "${text}"; expected a whole number from 0 to ${maximum}`);
	};
	return {
		port: wholeNumber("port", "8787", 65_535),
		seed: wholeNumber("seed", "1", Number.MAX_SAFE_INTEGER),
		log: values.log ?? process.env.LOG,
	};
}

function start(): void {
	const { port, seed, log: logFile } = readOptions();
	const log = new ServedLog(logFile);
	const server = createProvider({ seed, log });
	server.on("error", (error: NodeJS.ErrnoException) => {
		fail(error.code === "EADDRINUSE" ? `port ${port} is in use; choose another with --port` : error.message);
	});
	server.listen(port, "127.0.0.1", () => {
		process.stdout.write(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
	});
	const stop = (): void => {
		server.close(() => {
			// One turn later the answers that were cut off have been logged, as not completed.
			setImmediate(() => {
				log.close();
				process.exit(0);
			});
		});
		server.closeAllConnections();
	};
	process.once("SIGTERM", stop);
	process.once("SIGINT", stop);
}

try {
	start();
} catch (error) {
	fail(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
}
