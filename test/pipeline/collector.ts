import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createWriteStream, existsSync, mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../conformance/clickhouse-server.ts";

const CONFIG = fileURLToPath(new URL("../../collector-config", import.meta.url));

/** Where `collector-config/install.sh` puts the program. */
function collectorProgram(): string {
	const hash = createHash("sha256");
	for (const file of ["builder.yaml", "module/go.mod", "module/go.sum"]) hash.update(readFileSync(join(CONFIG, file)));
	const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
	return join(cache, "armspan/collector", hash.digest("hex").slice(0, 16), "armspan-collector");
}

/** Why no Collector can be started here; `undefined` when one can. */
export function collectorUnavailable(): string | undefined {
	return existsSync(collectorProgram()) ? undefined : "the Collector is not built: run collector-config/install.sh";
}

export interface CollectorOptions {
	/** Its file in collector-config/. */
	kind: "agent" | "gateway";
	/** For its queue and its log; the queue is used again by the next one. */
	folder: string;
	/** Variables that the files of collector-config/ read. */
	env: Readonly<Record<string, string>>;
	/** More of its command line: `--set=…`. */
	args?: readonly string[];
}

type Ports = Readonly<Record<"http" | "grpc" | "health" | "metrics", number>>;

/** A Collector of collector-config/'s very files, in a process of its own, on free ports of loopback. */
export class Collector {
	readonly #options: CollectorOptions;
	readonly #ports: Ports;
	#process: ChildProcess;

	private constructor(options: CollectorOptions, ports: Ports) {
		this.#options = options;
		this.#ports = ports;
		this.#process = this.#launch();
	}

	/** Resolves when it takes requests. */
	static async start(options: CollectorOptions): Promise<Collector> {
		mkdirSync(options.folder, { recursive: true });
		const ports = {
			http: await freePort(),
			grpc: await freePort(),
			health: await freePort(),
			metrics: await freePort(),
		};
		const collector = new Collector(options, ports);
		await collector.#healthy();
		return collector;
	}

	/** Whether a configuration is one; throws with what the Collector says when not. */
	static validate(files: readonly string[], env: Readonly<Record<string, string>>): void {
		const args = files.map((file) => `--config=${join(CONFIG, file)}`);
		execFileSync(collectorProgram(), ["validate", ...args], { env, encoding: "utf8", stdio: "pipe" });
	}

	/** Of OTLP over HTTP, as applications are told it. */
	get otlpUrl(): string {
		return `http://127.0.0.1:${this.#ports.http}`;
	}

	/** Of OTLP over gRPC, as agents are told it. */
	get grpcAddress(): string {
		return `127.0.0.1:${this.#ports.grpc}`;
	}

	get pid(): number {
		return this.#process.pid ?? 0;
	}

	/** Sum over its series of a metric of the Collector's own; 0 when nothing has counted yet. */
	async metric(name: string): Promise<number> {
		const response = await fetch(`http://127.0.0.1:${this.#ports.metrics}/metrics`);
		return (await response.text())
			.split("\n")
			.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
			.map((line) => Number(line.slice(line.lastIndexOf(" ") + 1)))
			.reduce((sum, value) => sum + value, 0);
	}

	/** Spans and events that the next one has taken, what was delivered twice counted twice. */
	async sent(): Promise<number> {
		return (
			(await this.metric("otelcol_exporter_sent_spans")) + (await this.metric("otelcol_exporter_sent_log_records"))
		);
	}

	/** Memory that is its own: pages of the queue's file, which the system can take back, are not. 0 while it is down. */
	privateBytes(): number {
		if (this.#process.exitCode !== null || this.#process.signalCode !== null) return 0;
		const status = readFileSync(`/proc/${this.#process.pid}/status`, "utf8");
		return Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
	}

	/** @param signal SIGTERM lets it write down what it has; SIGKILL does not */
	async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
		if (this.#process.exitCode === null && this.#process.signalCode === null) {
			this.#process.kill(signal);
			await once(this.#process, "exit");
		}
	}

	/** Starts it again, after `stop`, on the same ports and queue. */
	async restart(): Promise<void> {
		this.#process = this.#launch();
		await this.#healthy();
	}

	#launch(): ChildProcess {
		const { kind, folder, env, args = [] } = this.#options;
		const { http, grpc, health, metrics } = this.#ports;
		const child = spawn(
			collectorProgram(),
			[`--config=${join(CONFIG, `${kind}.yaml`)}`, `--config=${join(CONFIG, "processors.yaml")}`, ...args],
			{
				stdio: ["ignore", "ignore", "pipe"],
				env: {
					ARMSPAN_OTLP_HTTP: `127.0.0.1:${http}`,
					ARMSPAN_OTLP_GRPC: `127.0.0.1:${grpc}`,
					ARMSPAN_HEALTH: `127.0.0.1:${health}`,
					ARMSPAN_METRICS_PORT: String(metrics),
					ARMSPAN_QUEUE_FOLDER: join(folder, "queue"),
					...env,
				},
			},
		);
		child.stderr?.pipe(createWriteStream(join(folder, `${kind}.log`), { flags: "a" }));
		return child;
	}

	async #healthy(): Promise<void> {
		for (;;) {
			const healthy = await fetch(`http://127.0.0.1:${this.#ports.health}/`).then(
				(response) => response.ok,
				() => false,
			);
			if (healthy) return;
			if (this.#process.exitCode !== null) {
				const { kind, folder } = this.#options;
				const log = readFileSync(join(folder, `${kind}.log`), "utf8");
				throw new Error(`the Collector ended with ${this.#process.exitCode}: ${log.slice(-2000)}`);
			}
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}
}
