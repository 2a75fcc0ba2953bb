import { resolve } from "node:path";
import { openRegistry } from "@armspan/registry";
import { compileBundle } from "@armspan/router";
import { routedExperiments } from "@armspan/schema";
import { Command } from "commander";

/** `armspan check [directory]` */
export function checkCommand(): Command {
	return new Command("check")
		.description("check a commit as the service would: files, releases, and what every environment compiles to")
		.argument("[directory]", "git repository with prompts/, experiments/ and environments/", ".")
		.option("--ref <ref>", "commit, branch or tag to check", "HEAD")
		.action(async (directory: string, { ref }: { ref: string }) => {
			const registry = await openRegistry(resolve(directory));
			const snapshot = await registry.snapshot(ref);
			for (const { name, file, environment, lineOf } of snapshot.environments) {
				const { flags } = compileBundle({
					environmentName: name,
					environment,
					environmentLineOf: lineOf,
					experiments: snapshot.experiments,
					prompts: snapshot.releases,
					revision: 1,
					sourceCommit: snapshot.commit,
				}).file;
				const running = Object.values(flags).flatMap(({ metadata }) =>
					routedExperiments(metadata).flatMap(({ key, status }) => (status === "running" ? [key] : [])),
				);
				process.stdout.write(
					`${file}: ${Object.keys(flags).length} prompts, running: ${running.join(", ") || "no experiment"}\n`,
				);
			}
			const uncommitted = ref === "HEAD" ? await registry.uncommittedFiles() : [];
			if (uncommitted.length > 0) {
				process.stderr.write(`not checked, since not committed: ${uncommitted.join(", ")}\n`);
			}
		});
}
