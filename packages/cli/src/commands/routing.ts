import { Command } from "commander";
import { routingCompileCommand } from "./routing-compile.ts";
import { routingDiffCommand } from "./routing-diff.ts";
import { routingKeygenCommand, routingSignCommand, routingVerifyCommand } from "./routing-keys.ts";
import { routingRollbackCommand } from "./routing-rollback.ts";

/** `armspan routing …` */
export function routingCommand(): Command {
	return new Command("routing")
		.description("what a routing bundle does to units; signing it, checking it, going back")
		.addCommand(routingDiffCommand())
		.addCommand(routingCompileCommand())
		.addCommand(routingVerifyCommand())
		.addCommand(routingKeygenCommand())
		.addCommand(routingSignCommand())
		.addCommand(routingRollbackCommand());
}
