import { createHmac } from "node:crypto";
import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { resolve } from "node:path";
import { type UnitForgetting, UnitForgotten } from "@armspan/schema";
import { Command, Option } from "commander";
import { CliError } from "../cli-error.ts";
import { requestService } from "../evidence/evidence-source.ts";

interface ForgetOptions {
	url?: string;
	data: string;
	clickhouseUrl?: string;
	cluster?: string;
	unitKey?: string;
	by?: string;
	dryRun?: true;
	everywhere?: boolean;
	json?: true;
}

const EXAMPLES = `
Erases a unit from landing tables (spans and logs that carry it, the rest of its traces, and rows of nobody that mention
it) and from the evidence, then searches every table for what is left. Rows of other units stay. When more than 1,000
rows of nobody outside of its traces mention it, nothing is erased before --everywhere or --no-everywhere says what is
meant. An id that may be a word ("chat") is only looked for where ids stand.
Numbers of its experiments change; decisions stay. When the evidence is embedded and "armspan up" has it open, ask it:
--url. What is delivered afterwards is stored as ever. Stopped half-way, the same command again completes it.

Examples:
  armspan forget user-4711 --dry-run
  armspan forget user-4711
  armspan forget user-4711 --url http://127.0.0.1:7070
  ARMSPAN_UNIT_KEY=… armspan forget ada@example.org --clickhouse-url http://clickhouse:8123 --json

Exit codes: 0 erased (or counted), 1 failed or something is left, 2 wrong usage.`;

/** `armspan forget` */
export function forgetCommand(): Command {
	return new Command("forget")
		.description("erase a unit (a user, a session) from the evidence store, and record that it was done")
		.argument("<unit>", "id of the unit as the application gives it, or as it was hashed")
		.addOption(
			new Option("--url <service>", "API of the running service (its token: ARMSPAN_TOKEN)").conflicts([
				"clickhouseUrl",
				"cluster",
			]),
		)
		.option("--data <dir>", "folder of evidence (data/clickhouse)", "./data")
		.option(
			"--clickhouse-url <url>",
			"a ClickHouse server instead (user and password from CLICKHOUSE_USER, CLICKHOUSE_PASSWORD)",
		)
		.option("--cluster <name>", "cluster over which the server's tables are spread")
		.option("--unit-key <key>", "key under which ids are hashed; rather in ARMSPAN_UNIT_KEY, as processes are listed")
		.option("--by <name>", "who says so; default: the user of this system")
		.option("--dry-run", "say what would be erased, and change nothing")
		.option("--everywhere", "erase rows of nobody that mention the unit, however many they are")
		.option("--no-everywhere", "leave rows of nobody that mention the unit outside of its traces")
		.option("--json", "the result as JSON")
		.addHelpText("after", EXAMPLES)
		.action(async (unitId: string, options: ForgetOptions) => {
			const unitKey = options.unitKey ?? process.env.ARMSPAN_UNIT_KEY;
			const by = options.by ?? userInfo().username;
			const done = await (options.url === undefined
				? forgetHere(unitId, unitKey, by, options)
				: forgetByService(options.url, unitId, unitKey, by, options));
			const erased = Object.entries(done.erased);
			if (options.json) {
				process.stdout.write(`${JSON.stringify({ ...done, schemaVersion: 1 })}\n`);
			} else {
				const lines = erased.map(
					([table, rows]) => `${table.padEnd(26)}${rows} rows ${done.id === null ? "would be erased" : "erased"}`,
				);
				const end = done.id === null ? ["dry run: nothing was changed"] : [`recorded as ${done.id}`];
				const mentions = Object.entries(done.outside).map(
					([table, rows]) => `${rows} rows of ${table} that name no unit mention this one outside of its traces`,
				);
				const said = lines.length === 0 ? ["nothing to erase: no row names this unit"] : lines;
				process.stdout.write(`${[...said, ...mentions, ...end].join("\n")}\n`);
			}
			if (done.id !== null && done.remaining.length > 0) {
				const places = done.remaining.map(({ table, column, rows }) => `${table}.${column} (${rows})`).join(", ");
				throw new CliError(
					"UNIT_REMAINS",
					`the id still stands in ${places}`,
					"the same command again if it was just delivered; rows of others that mention it are for a person to judge",
				);
			}
		});
}

type Forgotten = Pick<UnitForgotten, "id" | "erased" | "outside" | "remaining">;

/** The service needs no key: the hash is made here. */
function forgetByService(
	url: string,
	unitId: string,
	unitKey: string | undefined,
	by: string,
	options: ForgetOptions,
): Promise<Forgotten> {
	const hashed = unitKey ? [createHmac("sha256", unitKey).update(unitId, "utf8").digest("hex")] : [];
	const body = JSON.stringify({ unitIds: [unitId, ...hashed], by, ...asked(options) } satisfies UnitForgetting);
	const headers = { "content-type": "application/json" };
	return requestService(url, "/api/v1/units/forget", { method: "POST", headers, body }, UnitForgotten);
}

const asked = ({ dryRun, everywhere }: ForgetOptions) => ({
	...(dryRun === undefined ? {} : { dryRun }),
	...(everywhere === undefined ? {} : { everywhere }),
});

async function forgetHere(
	unitId: string,
	unitKey: string | undefined,
	actor: string,
	options: ForgetOptions,
): Promise<Forgotten> {
	const path = resolve(options.data, "clickhouse");
	if (options.clickhouseUrl === undefined && !existsSync(path)) {
		throw new CliError("NO_EVIDENCE", `${path} does not exist: no evidence there`, "name the folder in --data");
	}
	const { forgetUnit } = await import("@armspan/service");
	return forgetUnit({
		store:
			options.clickhouseUrl === undefined
				? { kind: "embedded", path }
				: {
						kind: "server",
						url: options.clickhouseUrl,
						...(process.env.CLICKHOUSE_USER === undefined ? {} : { username: process.env.CLICKHOUSE_USER }),
						...(process.env.CLICKHOUSE_PASSWORD === undefined ? {} : { password: process.env.CLICKHOUSE_PASSWORD }),
						...(options.cluster === undefined ? {} : { cluster: { name: options.cluster } }),
					},
		unitId,
		...(unitKey === undefined || unitKey === "" ? {} : { unitKey }),
		actor,
		...asked(options),
	});
}
