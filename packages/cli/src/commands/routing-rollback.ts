import { userInfo } from "node:os";
import { resolve } from "node:path";
import { readBundle, revisionOnDisk, writeBundle } from "@armspan/router";
import { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { rollbackOnDisk } from "../routing/rollback-on-disk.ts";
import { givenPrivateKey, PRIVATE_KEY_VARIABLE } from "../routing/routing-keys.ts";
import { integerBetween } from "./options.ts";
import { signedWithoutKey } from "./signed-without-key.ts";

interface RollbackOptions {
	to: string;
	reason: string;
	by?: string;
	fromRevision?: number;
	privateKey?: string;
}

const EXAMPLES = `
Puts an older bundle back in place, with rollback.json: a person's word that applications may go back to it. While the
record lies there, they refuse every other revision up to the one that was gone back from. A folder that is signed takes
the private key: applications refuse what is not.

A running service puts its own bundle back at its next look, within seconds and above that revision: where one runs, the
way back is a commit that restores the pin in environments/<environment>.yaml. Commit it, or stop the service, first.
Without an older bundle: commit what should be in force, and armspan routing compile.

Example:
  armspan routing rollback data/routing --to /backups/routing-41 --reason "revision 42 answers in French"

Exit codes: 0 gone back, 1 failed, 2 wrong usage.`;

/** `armspan routing rollback` */
export function routingRollbackCommand(): Command {
	return new Command("rollback")
		.description("put an older bundle back, so that applications take it")
		.argument("<dir>", "folder of the routing bundle that applications read")
		.requiredOption("--to <dir>", "folder with the older bundle")
		.requiredOption("--reason <text>", "why, for whoever finds the record")
		.option("--by <name>", "who says so; default: the user of this system")
		.option(
			"--from-revision <n>",
			"highest revision that applications hold; default: that in the folder",
			integerBetween(1, Number.MAX_SAFE_INTEGER),
		)
		.option(
			"--private-key <file>",
			`ed25519 in PEM, where applications check signatures; default: ${PRIVATE_KEY_VARIABLE}`,
		)
		.addHelpText("after", EXAMPLES)
		.action(async (directory: string, options: RollbackOptions, command: Command) => {
			const target = resolve(directory);
			const privateKey = givenPrivateKey(options.privateKey);
			if (privateKey === undefined) {
				const refusal = signedWithoutKey(directory);
				if (refusal !== undefined) return command.error(refusal);
			}
			const older = readBundle(resolve(options.to));
			const fromRevision = options.fromRevision ?? revisionGoneBackFrom(target, older.routingDigest);
			if (fromRevision === undefined) {
				throw new CliError(
					"NOTHING_TO_ROLL_BACK",
					`${directory} holds no routing.json that says its revision`,
					"the same command with --from-revision, the highest that applications hold",
				);
			}
			const { revision, flagSetId } = older.table;
			if (revision >= fromRevision) {
				throw new CliError(
					"NOTHING_TO_ROLL_BACK",
					`${options.to} is revision ${revision}, not older than ${fromRevision}`,
					"name a folder with an older bundle in --to",
				);
			}
			const json = Buffer.from(older.bytes.routing).toString("utf8");
			const rollback = { fromRevision, reason: options.reason, by: options.by ?? userInfo().username };
			await writeBundle(target, { file: older.file, json, prompts: older.prompts }, { rollback, privateKey });
			process.stdout.write(`${flagSetId}: gone back from revision ${fromRevision} to ${revision}\n`);
			process.stderr.write(
				`note: a running service of this folder puts its own bundle back within seconds; commit what restores the pin: environments/${flagSetId.replace(/^armspan\//, "")}.yaml\n`,
			);
		});
}

/** The revision in the folder; where it has gone back to this bundle already, the one that it came from. */
function revisionGoneBackFrom(directory: string, routingDigest: string): number | undefined {
	const onDisk = revisionOnDisk(directory);
	if (onDisk === undefined) return undefined;
	const record = rollbackOnDisk(directory);
	return record?.routingDigest === routingDigest ? Math.max(onDisk, record.fromRevision) : onDisk;
}
