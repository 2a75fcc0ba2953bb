import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
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

/** A ClickHouse server of its own process and folder, over HTTP and native TCP. */
export class ClickHouseServer {
	/** Of HTTP. */
	readonly url: string;
	/** Of native TCP, as a Collector's exporter wants it. */
	readonly nativeUrl: string;
	readonly #launch: () => ChildProcess;
	#process: ChildProcess;

	private constructor({ http, tcp }: Ports, launch: () => ChildProcess) {
		this.url = `http://127.0.0.1:${http}`;
		this.nativeUrl = `tcp://127.0.0.1:${tcp}`;
		this.#launch = launch;
		this.#process = launch();
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
	static async launched(ports: Ports, launch: () => ChildProcess): Promise<ClickHouseServer> {
		const server = new ClickHouseServer(ports, launch);
		await server.#answering();
		return server;
	}

	/** Starts it again, after `stop`, on the same ports and folder. */
	async restart(): Promise<void> {
		await this.stopped();
		this.#process = this.#launch();
		await this.#answering();
	}

	/** Resolves when the process is gone, `stop` having been called. */
	async stopped(): Promise<void> {
		if (this.#process.exitCode === null && this.#process.signalCode === null) {
			await once(this.#process, "exit");
		}
	}

	async #answering(): Promise<void> {
		for (;;) {
			const answered = await fetch(`${this.url}/ping`).then(
				(response) => response.ok,
				() => false,
			);
			if (answered) {
				return;
			}
			if (this.#process.exitCode !== null) {
				throw new Error(`the ClickHouse server ended with ${this.#process.exitCode}`);
			}
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}

	get pid(): number {
		return this.#process.pid ?? 0;
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

	/** @param signal SIGKILL ends it as a crash would; SIGSTOP leaves its connections open and silent, until SIGCONT */
	stop(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT" = "SIGKILL"): void {
		this.#process.kill(signal);
	}
}

interface Ports {
	http: number;
	tcp: number;
}

function launch(folder: string, ports: Ports, ...config: string[]): Promise<ClickHouseServer> {
	const require = createRequire(import.meta.resolve("chdb"));
	const library = join(dirname(require.resolve("@chdb/lib-linux-x64-gnu/package.json")), "libchdb.so");
	const script = fileURLToPath(new URL("./clickhouse-server.py", import.meta.url));
	const args = [script, library, folder, String(ports.http), String(ports.tcp), ...config];
	return ClickHouseServer.launched(ports, () => spawn("python3", args, { stdio: "ignore" }));
}

export function freePort(): Promise<number> {
	return new Promise((resolve) => {
		const server = createServer().listen(0, "127.0.0.1", () => {
			const address = server.address();
			server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
		});
	});
}
