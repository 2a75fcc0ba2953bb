import { Command } from "commander";
import { routingDiffCommand } from "./routing-diff.ts";

/** `armspan routing …` */
export function routingCommand(): Command {
	return new Command("routing").description("what a routing bundle does to units").addCommand(routingDiffCommand());
}
