import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
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

	/** @param config text of a configuration file */
	static async start(folder: string, config?: string): Promise<ClickHouseServer> {
		const ports = { http: await freePort(), tcp: await freePort() };
		if (config === undefined) return launch(folder, ports);
		mkdirSync(folder, { recursive: true });
		const file = join(folder, "config.xml");
		writeFileSync(file, config);
		return launch(join(folder, "data"), ports, file);
	}

	/** Servers that know each other as shards, one replica each, of the cluster `shards`; there is no Keeper. */
	static async startShards(folder: string, count: number): Promise<ClickHouseServer[]> {
		mkdirSync(folder, { recursive: true });
		const ports: Ports[] = [];
		for (let shard = 0; shard < count; shard++) {
			ports.push({ http: await freePort(), tcp: await freePort() });
		}
		const config = join(folder, "config.xml");
		const shards = ports.map(
			({ tcp }) => `<shard><replica><host>127.0.0.1</host><port>${tcp}</port></replica></shard>`,
		);
		writeFileSync(
			config,
			`<clickhouse><remote_servers><shards>${shards.join("")}</shards></remote_servers></clickhouse>`,
		);
		return Promise.all(ports.map((port, shard) => launch(join(folder, String(shard)), port, config)));
	}

	/** @internal */
	static async answering(url: string, process: ChildProcess): Promise<ClickHouseServer> {
		for (;;) {
			const answered = await fetch(`${url}/ping`).then(
				(response) => response.ok,
				() => false,
			);
			if (answered) {
				return new ClickHouseServer(url, process);
			}
			if (process.exitCode !== null) {
				throw new Error(`the ClickHouse server ended with ${process.exitCode}`);
			}
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}

	/** Runs a statement; a person's way in. */
	async run(sql: string): Promise<string> {
		const response = await fetch(this.url, { method: "POST", body: sql });
		const text = await response.text();
		if (!response.ok) {
			throw new Error(text);
		}
		return text;
	}

	stop(): void {
		this.#process.kill("SIGKILL");
	}
}

interface Ports {
	http: number;
	tcp: number;
}

function launch(folder: string, { http, tcp }: Ports, ...config: string[]): Promise<ClickHouseServer> {
	const require = createRequire(import.meta.resolve("chdb"));
	const library = join(dirname(require.resolve("@chdb/lib-linux-x64-gnu/package.json")), "libchdb.so");
	const script = fileURLToPath(new URL("./clickhouse-server.py", import.meta.url));
	const child = spawn("python3", [script, library, folder, String(http), String(tcp), ...config], { stdio: "ignore" });
	return ClickHouseServer.answering(`http://127.0.0.1:${http}`, child);
}

function freePort(): Promise<number> {
	return new Promise((resolve) => {
		const server = createServer().listen(0, "127.0.0.1", () => {
			const address = server.address();
			server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
		});
	});
}
