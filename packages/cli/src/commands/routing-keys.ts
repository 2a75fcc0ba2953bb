import { resolve } from "node:path";
import { readBundle, signBundle } from "@armspan/router";
import { Command } from "commander";
import {
	givenPrivateKey,
	givenPublicKeys,
	PRIVATE_KEY_VARIABLE,
	PUBLIC_KEY_VARIABLE,
	writeKeyPair,
} from "../routing/routing-keys.ts";

const EXIT_CODES = "\nExit codes: 0 done, 1 failed, 2 wrong usage.";

/** `armspan routing keygen` */
export function routingKeygenCommand(): Command {
	return new Command("keygen")
		.description("make a key pair for signing bundles: writes the private key, prints the public one")
		.argument("[file]", "file for the private key; never replaced", "routing.pem")
		.addHelpText("after", `\nExample:\n  armspan routing keygen routing.pem > routing.pub\n${EXIT_CODES}`)
		.action((file: string) => {
			process.stdout.write(`${writeKeyPair(resolve(file))}\n`);
			process.stderr.write(
				`${file}: private key, for the service: ${PRIVATE_KEY_VARIABLE}=${file}\npublic key above, for applications: ${PUBLIC_KEY_VARIABLE}\n`,
			);
		});
}

/** `armspan routing sign` */
export function routingSignCommand(): Command {
	return new Command("sign")
		.description("check the bundle in a folder and write routing.json.sig, for one that was not signed when compiled")
		.argument("<dir>", "folder of the routing bundle")
		.option("--private-key <file>", `ed25519 in PEM; default: ${PRIVATE_KEY_VARIABLE}`)
		.addHelpText("after", `\nExample:\n  armspan routing sign data/routing --private-key routing.pem\n${EXIT_CODES}`)
		.action(async (directory: string, options: { privateKey?: string }, command: Command) => {
			const key = givenPrivateKey(options.privateKey);
			if (key === undefined) return command.error(`error: name a key with --private-key or ${PRIVATE_KEY_VARIABLE}`);
			const { table, routingDigest } = readBundle(resolve(directory));
			await signBundle(resolve(directory), routingDigest, key);
			process.stdout.write(`${table.flagSetId} revision ${table.revision}: signed ${routingDigest}\n`);
		});
}

/** `armspan routing verify` */
export function routingVerifyCommand(): Command {
	return new Command("verify")
		.description("check a bundle as an application would: signature, schema, lint, prompts")
		.argument("<dir>", "folder of the routing bundle")
		.option(
			"--public-key <key>",
			`ed25519 in PEM or base64, or a file with it; default: ${PUBLIC_KEY_VARIABLE}; without one the signature is not checked`,
		)
		.option("--json", "print JSON")
		.addHelpText("after", `\nExample:\n  armspan routing verify data/routing --public-key routing.pub\n${EXIT_CODES}`)
		.action((directory: string, options: { publicKey?: string; json?: true }) => {
			const publicKeys = givenPublicKeys(options.publicKey);
			const { table, prompts, routingDigest } = readBundle(resolve(directory), undefined, { publicKeys });
			const { flagSetId, revision, sourceCommit } = table;
			const signature = publicKeys === undefined ? "not checked" : "good";
			process.stdout.write(
				options.json === true
					? `${JSON.stringify({ schemaVersion: 1, flagSetId, revision, sourceCommit, routingDigest, prompts: prompts.size, signature })}\n`
					: `${flagSetId} revision ${revision} of ${sourceCommit.slice(0, 8)}: ${prompts.size} prompt files, signature ${signature}\n`,
			);
		});
}
