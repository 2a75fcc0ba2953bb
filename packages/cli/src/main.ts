import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { describeError } from "./cli-error.ts";
import { analyzeCommand } from "./commands/analyze.ts";
import { checkCommand } from "./commands/check.ts";
import { compareCommand } from "./commands/compare.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { explainCommand } from "./commands/explain.ts";
import { forgetCommand } from "./commands/forget.ts";
import { initCommand } from "./commands/init.ts";
import { metricsCommand } from "./commands/metrics.ts";
import { powerCommand } from "./commands/power.ts";
import { routingCommand } from "./commands/routing.ts";
import { sqlCommand } from "./commands/sql.ts";
import { upCommand } from "./commands/up.ts";
import { ExitStatus } from "./exit-status.ts";

/** Exit codes of every command. */
const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** Of a command and those below it: they end the process otherwise, with 1 for wrong usage. */
function overrideExit(command: Command): void {
	command.exitOverride();
	command.commands.forEach(overrideExit);
}

/**
 * Runs the command line. stdout carries the result alone; everything else goes to stderr.
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage; others are said by the command
 */
export async function main(argv: readonly string[]): Promise<number> {
	const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
		version: string;
	};
	const program = new Command("armspan")
		.description(
			"Versions prompts, routes live traffic across them, and says which is better, dearer, slower or unsafe.",
		)
		.version(version)
		.exitOverride()
		.addCommand(initCommand())
		.addCommand(checkCommand())
		.addCommand(upCommand())
		.addCommand(analyzeCommand())
		.addCommand(compareCommand())
		.addCommand(metricsCommand())
		.addCommand(powerCommand())
		.addCommand(sqlCommand())
		.addCommand(explainCommand())
		.addCommand(forgetCommand())
		.addCommand(routingCommand())
		// What stands after the program that doctor runs is the program's.
		.enablePositionalOptions()
		.addCommand(doctorCommand());
	overrideExit(program);
	try {
		await program.parseAsync(argv);
		return EXIT.ok;
	} catch (error) {
		if (error instanceof CommanderError) {
			return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
		}
		if (error instanceof ExitStatus) {
			return error.status;
		}
		process.stderr.write(`${describeError(error)}\n`);
		return EXIT.failed;
	}
}
