import { readFileSync, writeSync } from "node:fs";
import type { SqlAnswer } from "@armspan/schema";
import { Command, Option } from "commander";
import { describeError } from "../cli-error.ts";
import { askEvidence, type EvidenceOptions, evidenceOptions } from "../evidence/evidence-source.ts";
import { csv, textTable } from "../evidence/text-table.ts";
import { integerBetween } from "./options.ts";

interface SqlOptions extends EvidenceOptions {
	format: "table" | "json" | "csv";
	maxRows: number;
	timeLimit: number;
}

const EXAMPLES = `
One SELECT over calls, exposures, evaluations, decisions and the landing tables otel_traces and otel_logs, of all
environments. Read-only; settings, table functions that read, other databases and statements that take too long are
refused. More examples: docs/sql-examples.md.

Examples:
  armspan sql "SELECT prompt_version, count(), avg(latency_us) / 1000 AS ms FROM calls FINAL GROUP BY prompt_version"
  armspan sql --url http://127.0.0.1:7070 --format csv "SELECT * FROM exposures FINAL LIMIT 100" > exposures.csv
  armspan sql - < question.sql

Exit codes: 0 answered, 1 failed or refused, 2 wrong usage.`;

/** `armspan sql` */
export function sqlCommand(): Command {
	return evidenceOptions(new Command("sql"))
		.description("ask the evidence a question of your own")
		.argument("<statement>", "a SELECT, or - to read it from stdin")
		.addOption(new Option("--format <format>", "of the answer").choices(["table", "json", "csv"]).default("table"))
		.option("--max-rows <n>", "rows that are shown", integerBetween(1, 1_000_000), 1000)
		.option("--time-limit <s>", "seconds that it may take", integerBetween(1, 600), 30)
		.addHelpText("after", EXAMPLES)
		.action(async (argument: string, options: SqlOptions) => {
			const statement = argument === "-" ? readFileSync(0, "utf8") : argument;
			const question = { statement, maxRows: options.maxRows, maxExecutionMs: options.timeLimit * 1000 };
			const answer = await askEvidence(options, (source) => source.sql(question), { needsRepository: false }).catch(
				(error: unknown) => endAtLimit(error, options),
			);
			process.stdout.write(render(answer, options.format));
			if (answer.truncated) {
				process.stderr.write(`note: there are more rows; the first ${answer.rows.length} are shown (--max-rows)\n`);
			}
		});
}

/** The embedded engine may work on after its time, and would keep this process alive as long. */
function endAtLimit(error: unknown, { url, clickhouseUrl }: SqlOptions): never {
	if ((error as { code?: unknown }).code === "SQL_LIMIT" && url === undefined && clickhouseUrl === undefined) {
		writeSync(2, `${describeError(error)}\n`);
		process.exit(1);
	}
	throw error;
}

function render(answer: SqlAnswer, format: SqlOptions["format"]): string {
	if (format === "json") return `${JSON.stringify(answer, undefined, 2)}\n`;
	const names = answer.columns.map(({ name }) => name);
	const cells = answer.rows.map((row) => row.map((cell) => cellText(cell)));
	if (format === "csv") return csv([names, ...cells]);
	const numeric = answer.columns.map(({ type }) => /^(?:Nullable\()?(?:U?Int|Float|Decimal)/.test(type));
	return `${textTable([names, ...cells], numeric).join("\n")}\n`;
}

function cellText(cell: SqlAnswer["rows"][number][number]): string {
	if (cell === null) return "";
	return typeof cell === "object" ? JSON.stringify(cell) : String(cell);
}
