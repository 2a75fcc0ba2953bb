import { join } from "node:path";
import { ClickHouseServer } from "../conformance/clickhouse-server.ts";
import { Collector } from "./collector.ts";

/** Agent → gateway → ClickHouse, each a process of its own. */
export class Pipeline {
	readonly agent: Collector;
	readonly gateway: Collector;
	readonly server: ClickHouseServer;

	private constructor(agent: Collector, gateway: Collector, server: ClickHouseServer) {
		this.agent = agent;
		this.gateway = gateway;
		this.server = server;
	}

	/** @param env variables for both Collectors @param gatewayArgs more of the gateway's command line */
	static async start(
		folder: string,
		env: Readonly<Record<string, string>> = {},
		gatewayArgs: readonly string[] = [],
	): Promise<Pipeline> {
		const server = await ClickHouseServer.start(join(folder, "clickhouse"));
		try {
			const gateway = await Collector.start({
				kind: "gateway",
				folder: join(folder, "gateway"),
				env: { CLICKHOUSE_ENDPOINT: server.nativeUrl, ...env },
				args: gatewayArgs,
			});
			try {
				const agent = await startAgent(folder, gateway, env);
				return new Pipeline(agent, gateway, server);
			} catch (error) {
				await gateway.stop("SIGKILL");
				throw error;
			}
		} catch (error) {
			server.stop();
			throw error;
		}
	}

	/** What wakes every so often until `done` says so; the test's own limit ends one that never comes. */
	static async until(done: () => Promise<boolean> | boolean): Promise<void> {
		while (!(await done())) {
			await new Promise((resolve) => setTimeout(resolve, 200));
		}
	}

	async stop(): Promise<void> {
		await this.agent.stop("SIGKILL");
		await this.gateway.stop("SIGKILL");
		this.server.stop();
		await this.server.stopped();
	}
}

function startAgent(folder: string, gateway: Collector, env: Readonly<Record<string, string>>): Promise<Collector> {
	return Collector.start({
		kind: "agent",
		folder: join(folder, "agent"),
		env: { ARMSPAN_GATEWAY: gateway.grpcAddress, ARMSPAN_GATEWAY_INSECURE: "true", ...env },
	});
}
