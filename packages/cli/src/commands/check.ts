import { join, resolve } from "node:path";
import {
	type EnvironmentFile,
	openRegistry,
	type Registry,
	RegistryError,
	type RepositorySnapshot,
} from "@armspan/registry";
import { RouterError, readBundle } from "@armspan/router";
import { routedExperiments } from "@armspan/schema";
import { Command, Option } from "commander";
import { deploy, followCommits, type InForce } from "../routing/follow-commits.ts";
import { haltedIterations } from "../routing/routing-side.ts";
import { deployedCommit } from "../routing/units-source.ts";
import { checkQueries } from "./check-queries.ts";

interface CheckOptions {
	ref: string;
	against?: string;
	data?: string;
	url?: string;
}

/** Commits that are followed to find out what is in force; each is read and compiled. */
const HISTORY = 20;

const EXAMPLES = `
What must not change within an iteration that runs is compared with what is in force: --against, or what --data or --url
has deployed, else what a service that has followed the branch has: its last ${HISTORY} commits, along first parents, that
touch prompts, experiments or environments. In CI, fetch the history (fetch-depth: 0).

The SELECT of a metric of source sql is asked of an empty evidence store, as an analysis would ask it.

Examples:
  armspan check ../my-prompts
  armspan check --ref my-branch --against main
  armspan check --data ./data

Exit codes: 0 would be deployed, 1 would be refused, 2 wrong usage.`;

/** `armspan check [directory]` */
export function checkCommand(): Command {
	return new Command("check")
		.description("check a commit as the service would: files, releases, what every environment compiles to and changes")
		.argument("[directory]", "git repository with prompts/, experiments/ and environments/", ".")
		.option("--ref <ref>", "commit, branch or tag to check", "HEAD")
		.option("--against <ref>", "what is in force: a commit, branch or tag")
		.addOption(
			new Option("--data <dir>", "data folder of armspan up: what is in force is the bundle in its routing/").conflicts(
				"against",
			),
		)
		.addOption(
			new Option(
				"--url <service>",
				"API of a running service: what is in force is the commit it has deployed",
			).conflicts(["against", "data"]),
		)
		.addHelpText("after", EXAMPLES)
		.action(async (directory: string, options: CheckOptions) => {
			const registry = await openRegistry(resolve(directory));
			const snapshot = await registry.snapshot(options.ref);
			const inForce = await inForceBefore(registry, options);
			for (const file of snapshot.environments) {
				const { flags } = deployOrSay(snapshot, file, inForce.get(file.name)).file;
				const running = Object.values(flags).flatMap(({ metadata }) =>
					routedExperiments(metadata).flatMap(({ key, status }) => (status === "running" ? [key] : [])),
				);
				process.stdout.write(
					`${file.file}: ${Object.keys(flags).length} prompts, running: ${running.join(", ") || "no experiment"}\n`,
				);
				for (const warning of strangeSlots(snapshot, file)) process.stderr.write(`warning: ${warning}\n`);
			}
			for (const warning of await checkQueries(snapshot)) process.stderr.write(`warning: ${warning}\n`);
			const uncommitted = options.ref === "HEAD" ? await registry.uncommittedFiles() : [];
			if (uncommitted.length > 0) {
				process.stderr.write(`not checked, since not committed: ${uncommitted.join(", ")}\n`);
			}
		});
}

async function inForceBefore(
	registry: Registry,
	{ ref, against, data, url }: CheckOptions,
): Promise<ReadonlyMap<string, InForce>> {
	if (data !== undefined) {
		const { file } = readBundle(join(resolve(data), "routing"));
		const label = `${data} (revision ${file.metadata.revision})`;
		// A bundle knows no metrics: the commit that it was made of does, where the repository has it.
		const commit = await followCommits(registry, [file.metadata.sourceCommit]).catch((error: unknown) => {
			if (error instanceof RegistryError && error.code === "UNKNOWN_REF") return undefined;
			throw error;
		});
		const name = file.metadata.flagSetId.replace(/^armspan\//, "");
		return new Map([
			[name, { label, file, begun: commit?.get(name)?.begun ?? new Map(), halted: haltedIterations(file) }],
		]);
	}
	const named = against ?? (url === undefined ? undefined : await deployedCommit(url));
	if (named !== undefined) {
		const snapshot = await registry.snapshot(named);
		return new Map(snapshot.environments.map((file) => [file.name, deploy(snapshot, file, undefined)]));
	}
	const { commits, isShallow } = await registry.history(ref, HISTORY + 1);
	if (isShallow && commits.length <= HISTORY) {
		process.stderr.write(
			"warning: this clone is shallow; changes before it are not compared (in CI: fetch-depth: 0)\n",
		);
	}
	return followCommits(registry, commits.slice(1).reverse());
}

function deployOrSay(snapshot: RepositorySnapshot, file: EnvironmentFile, before: InForce | undefined): InForce {
	try {
		return deploy(snapshot, file, before);
	} catch (error) {
		if (before !== undefined && error instanceof RouterError) {
			process.stderr.write(`${file.file}: compared with ${before.label}, which is in force\n`);
		}
		throw error;
	}
}

/** A share that nobody gets: a typing error, or an experiment to come. */
function strangeSlots({ experiments }: RepositorySnapshot, { file, environment, lineOf }: EnvironmentFile): string[] {
	const known = new Map(experiments.map(({ experiment }) => [experiment.key, experiment]));
	return Object.entries(environment.layers).flatMap(([layer, { slots }]) =>
		Object.keys(slots).flatMap((key) => {
			const found = known.get(key);
			const at = `${file}:${lineOf(["layers", layer, "slots", key])}: layers.${layer}.slots.${key}`;
			if (found === undefined) return [`${at}: there is no experiments/${key}.yaml; nobody gets this share`];
			if (found.layer === layer) return [];
			return [`${at}: experiments/${key}.yaml is on ${found.layer ?? "no layer"}; nobody gets this share`];
		}),
	);
}
