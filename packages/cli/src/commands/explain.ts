import type { Explanation } from "@armspan/router";
import { Command, Option } from "commander";
import { CliError } from "../cli-error.ts";
import { type RoutingSide, sideOfCommit, sideOfFolder } from "../routing/routing-side.ts";
import { collectAttribute } from "./attribute-option.ts";

interface ExplainOptions {
	user?: string;
	session?: string;
	request?: string;
	attribute?: Record<string, string | number | boolean>;
	routing?: string;
	repository: string;
	environment: string;
	ref: string;
	json?: true;
}

const EXAMPLES = `
Examples:
  armspan explain support-reply --user u-1842 --routing data/routing
  armspan explain support-reply --user u-1842 --attribute plan=pro --repository ../my-prompts
  armspan explain support-reply --session s-7 --json | jq .assignment.variant

Exit codes: 0 explained, 1 failed, 2 wrong usage.`;

/** `armspan explain` */
export function explainCommand(): Command {
	return new Command("explain")
		.description("why a unit gets the prompt version it gets: every rule, hash and bucket, in words")
		.argument("<prompt>", "name of the prompt, such as billing/refund-reply")
		.option("--user <id>", "id of the user, as the application gives it")
		.option("--session <id>", "id of the session")
		.option("--request <id>", "id of the request")
		.option("--attribute <name=value>", "attribute of the call; repeat for more", collectAttribute)
		.addOption(
			new Option("--routing <dir>", "routing bundle that the application reads, instead of a repository").env(
				"ARMSPAN_ROUTING",
			),
		)
		.option("--repository <dir>", "git repository with prompts/, experiments/ and environments/", ".")
		.option("--env, --environment <name>", "environment of the repository", "production")
		.option("--ref <ref>", "commit, branch or tag of the repository", "HEAD")
		.option("--json", "print JSON")
		.addHelpText("after", EXAMPLES)
		.action(async (prompt: string, options: ExplainOptions, command: Command) => {
			const side = await sideToExplain(options, command);
			const { user, session, request, attribute } = options;
			const explanation = side.table.explain(prompt, { user, session, request }, attribute ?? {});
			if (explanation === undefined) throw unknownPrompt(prompt, side);
			if (explanation.unitId === undefined) process.stderr.write(`note: ${howToName(explanation)}\n`);
			process.stdout.write(
				options.json === true ? toJson(explanation, side) : describe(explanation, side, attribute ?? {}),
			);
		});
}

function sideToExplain(options: ExplainOptions, command: Command): Promise<RoutingSide> | RoutingSide {
	const fromUser = (name: string) => command.getOptionValueSource(name) === "cli";
	const wantsRepository = ["repository", "environment", "ref"].some(fromUser);
	if (wantsRepository && fromUser("routing")) {
		command.error("error: --routing names a bundle, --repository, --environment and --ref one to compile; give either");
	}
	if (options.routing !== undefined && !wantsRepository) return sideOfFolder(options.routing);
	return sideOfCommit(options.ref, options);
}

function howToName({ promptName, unitType, unitAttribute }: Explanation): string {
	const option = unitType === "attribute" ? `--attribute ${unitAttribute}=VALUE` : `--${unitType} ID`;
	return `${promptName} randomizes by ${unitAttribute ?? unitType}; name one with ${option}`;
}

function unknownPrompt(prompt: string, { table, label }: RoutingSide): CliError {
	const names = [...table.promptNames].sort();
	return new CliError(
		"UNKNOWN_PROMPT",
		`prompt "${prompt}" is not in ${label}; there: ${names.slice(0, 20).join(", ")}${names.length > 20 ? ", …" : ""}`,
		"pin it in environments/<name>.yaml, or ask for one of those",
	);
}

function toJson(explanation: Explanation, side: RoutingSide): string {
	const { flagSetId, revision, sourceCommit } = side.table;
	const routing = { flagSetId, revision, sourceCommit };
	return `${JSON.stringify({ schemaVersion: 1, routing, ...explanation }, undefined, 2)}\n`;
}

function describe(
	explanation: Explanation,
	{ table, label }: RoutingSide,
	attributes: Readonly<Record<string, unknown>>,
): string {
	const width = Math.max(...explanation.steps.map(({ rule }) => rule.length), 0);
	const given = Object.entries(attributes).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
	return [
		`${explanation.promptName}, ${table.flagSetId} of ${label}${given.length === 0 ? "" : `, with ${given.join(", ")}`}`,
		...explanation.steps.map(({ rule, sentence }) => `  ${rule.padEnd(width)}  ${sentence}`),
		`→ ${explanation.sentence}`,
		"",
	].join("\n");
}
