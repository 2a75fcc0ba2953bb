import { relative, resolve } from "node:path";
import { initRepository } from "@armspan/registry";
import { Command } from "commander";
import { commandName } from "../command-name.ts";

/** `armspan init [directory]` */
export function initCommand(): Command {
	return new Command("init")
		.description(
			"write a starter repository: prompts, an experiment, an environment; committed and released, ready to run",
		)
		.argument("[directory]", "folder to write to", ".")
		.action(async (directory: string) => {
			const root = resolve(directory);
			const { files } = await initRepository(root);
			process.stdout.write(files.map((file) => `${file}\n`).join(""));
			const here = relative(process.cwd(), root) || ".";
			process.stderr.write(`\nready in ${here}\n  next: ${commandName()} up --repository ${here}\n`);
		});
}
