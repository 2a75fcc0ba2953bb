import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ClickHouseServer } from "../conformance/clickhouse-server.ts";

const DEPLOY = join(import.meta.dirname, "../../deploy/clickhouse");

/** With every character that deploy/check-secrets.sh lets through beside letters and digits. */
export const PASSWORDS = {
	armspan: "the-service_0.~+/=",
	collector: "=/+~.1_the-Collector",
	armspan_reader: "+the/reader=",
	grafana: "~Grafana-9.",
} as const;

/** What the image's own users.xml says, as far as our file adds to it. */
const IMAGE_USERS = `<clickhouse>
	<profiles><default/></profiles>
	<quotas><default/></quotas>
	<users><default>
		<password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
	</default></users>
</clickhouse>`;

/**
 * A ClickHouse server with the very files of deploy/clickhouse, users and all; only the folder of backups is another.
 * `default` is a person in the container.
 */
export async function startDeployedClickHouse(folder: string, backups: string): Promise<ClickHouseServer> {
	mkdirSync(join(folder, "users.d"), { recursive: true });
	writeFileSync(join(folder, "users.xml"), IMAGE_USERS);
	copyFileSync(join(DEPLOY, "users.d/armspan.xml"), join(folder, "users.d/armspan.xml"));
	// The server takes them from the environment, as the container does.
	process.env.ARMSPAN_CLICKHOUSE_PASSWORD = PASSWORDS.armspan;
	process.env.COLLECTOR_CLICKHOUSE_PASSWORD = PASSWORDS.collector;
	process.env.READER_CLICKHOUSE_PASSWORD = PASSWORDS.armspan_reader;
	process.env.GRAFANA_CLICKHOUSE_PASSWORD = PASSWORDS.grafana;
	const config = readFileSync(join(DEPLOY, "config.d/armspan.xml"), "utf8")
		.replace("/backups/", `${backups}/`)
		.replace("</clickhouse>", `<users_config>${join(folder, "users.xml")}</users_config></clickhouse>`);
	return ClickHouseServer.start(folder, config);
}

/** What the server answers to one of its users: the text, or `!` and the name of the error. */
export async function askAs(server: ClickHouseServer, user: keyof typeof PASSWORDS, sql: string): Promise<string> {
	const response = await fetch(server.url, {
		method: "POST",
		body: sql,
		headers: { "x-clickhouse-user": user, "x-clickhouse-key": PASSWORDS[user] },
	});
	const text = (await response.text()).trim();
	return response.ok ? text : `!${/\(([A-Z_]+)\)/.exec(text)?.[1] ?? text}`;
}
