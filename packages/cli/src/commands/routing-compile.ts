import { resolve } from "node:path";
import {
	compileBundle,
	type LoadedBundle,
	RouterError,
	readBundle,
	revisionOnDisk,
	writeBundle,
} from "@armspan/router";
import { Command } from "commander";
import { rollbackOnDisk } from "../routing/rollback-on-disk.ts";
import { givenPrivateKey } from "../routing/routing-keys.ts";
import { inputOfCommit } from "../routing/routing-side.ts";
import { signedWithoutKey } from "./signed-without-key.ts";

interface CompileOptions {
	repository: string;
	environment: string;
	privateKey?: string;
}

const EXAMPLES = `
For when no service does it: writes what the newest commit says, once, as a service would at its next look. Needs no
ClickHouse. Nobody watches guardrails meanwhile. To take a treatment out, commit status: stopped first.

The revision is above that in the folder and above every one that a service takes from the clock, so that applications
take the bundle wherever their last one came from. What the bundle in the folder has halted stays halted; a halt that is
neither there nor in git is not known here.

Example:
  git -C my-prompts commit --all --message "support-tone: stopped"
  armspan routing compile data/routing --repository my-prompts

Exit codes: 0 written, 1 failed, 2 wrong usage.`;

/** `armspan routing compile` */
export function routingCompileCommand(): Command {
	return new Command("compile")
		.description("write the bundle of the newest commit, without a service")
		.argument("<dir>", "folder of the routing bundle that applications read")
		.option("--repository <dir>", "git repository with prompts/, experiments/ and environments/", ".")
		.option("--env, --environment <name>", "environment of the repository", "production")
		.option(
			"--private-key <file>",
			"ed25519 in PEM, where applications check signatures; default: ARMSPAN_ROUTING_PRIVATE_KEY",
		)
		.addHelpText("after", EXAMPLES)
		.action(async (directory: string, options: CompileOptions, command: Command) => {
			const target = resolve(directory);
			const privateKey = givenPrivateKey(options.privateKey);
			if (privateKey === undefined) {
				const refusal = signedWithoutKey(directory);
				if (refusal !== undefined) return command.error(refusal);
			}
			const before = bundleIn(target);
			const input = await inputOfCommit("HEAD", options, before?.file);
			const bundle = compileBundle({ ...input, revision: nextRevision(target), previous: before?.file });
			await writeBundle(target, bundle, { privateKey });
			const { flagSetId, revision } = bundle.file.metadata;
			process.stdout.write(`${flagSetId}: revision ${revision} of ${input.sourceCommit.slice(0, 8)}\n`);
		});
}

/** What is in force; `undefined` where nothing is that could be read, which is no reason to leave it so. */
function bundleIn(directory: string): LoadedBundle | undefined {
	try {
		return readBundle(directory);
	} catch (error) {
		if (error instanceof RouterError) return undefined;
		throw error;
	}
}

function nextRevision(directory: string): number {
	const onDisk = revisionOnDisk(directory);
	const goneBackFrom = onDisk === undefined ? 0 : (rollbackOnDisk(directory)?.fromRevision ?? 0);
	const secondsSince2026 = Math.floor((Date.now() - Date.UTC(2026, 0, 1)) / 1000);
	return Math.max(onDisk ?? 0, goneBackFrom, secondsSince2026) + 1;
}
