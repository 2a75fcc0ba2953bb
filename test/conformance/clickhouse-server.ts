import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Why no server can be started here; `undefined` when one can. */
export function serverUnavailable(): string | undefined {
	if (process.platform !== "linux" || process.arch !== "x64") {
		return `no server library for ${process.platform}-${process.arch}`;
	}
	return spawnSync("python3", ["--version"]).status === 0 ? undefined : "python3 is not installed";
}

/** A ClickHouse server of its own process and folder, over HTTP. */
export class ClickHouseServer {
	readonly url: string;
	readonly #process: ChildProcess;

	private constructor(url: string, process: ChildProcess) {
		this.url = url;
		this.#process = process;
	}

	static async start(folder: string): Promise<ClickHouseServer> {
		const require = createRequire(import.meta.resolve("chdb"));
		const library = join(dirname(require.resolve("@chdb/lib-linux-x64-gnu/package.json")), "libchdb.so");
		const [httpPort, tcpPort] = [await freePort(), await freePort()];
		const script = fileURLToPath(new URL("./clickhouse-server.py", import.meta.url));
		const child = spawn("python3", [script, library, folder, String(httpPort), String(tcpPort)], { stdio: "ignore" });
		const server = new ClickHouseServer(`http://127.0.0.1:${httpPort}`, child);
		for (;;) {
			const answered = await fetch(`${server.url}/ping`).then(
				(response) => response.ok,
				() => false,
			);
			if (answered) {
				return server;
			}
			if (child.exitCode !== null) {
				throw new Error(`the ClickHouse server ended with ${child.exitCode}`);
			}
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}

	stop(): void {
		this.#process.kill("SIGKILL");
	}
}

function freePort(): Promise<number> {
	return new Promise((resolve) => {
		const server = createServer().listen(0, "127.0.0.1", () => {
			const address = server.address();
			server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
		});
	});
}
