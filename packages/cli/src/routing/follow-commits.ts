import {
	designChanges,
	type EnvironmentFile,
	type Registry,
	RegistryError,
	type RepositorySnapshot,
} from "@armspan/registry";
import { compileBundle, RouterError, type RouterProblem } from "@armspan/router";
import type { Experiment, RoutingFile } from "@armspan/schema";

/** What a service has deployed of an environment. */
export interface InForce {
	/** For people. */
	readonly label: string;
	readonly file: RoutingFile;
	/** `key#iteration` → the experiment as its iteration was begun; none where only the bundle is known. */
	readonly begun: ReadonlyMap<string, Experiment>;
	/** `key#iteration` of halts that git does not know. */
	readonly halted?: ReadonlySet<string>;
}

/**
 * What the environment of a commit compiles to, compared with what is in force as the service compares it.
 * @throws {RouterError} with file and line
 */
export function deploy(snapshot: RepositorySnapshot, file: EnvironmentFile, before: InForce | undefined): InForce {
	const bundle = compileBundle({
		environmentName: file.name,
		environment: file.environment,
		environmentLineOf: file.lineOf,
		experiments: snapshot.experiments,
		prompts: snapshot.releases,
		revision: 1,
		sourceCommit: snapshot.commit,
		halted: before?.halted,
		previous: before?.file,
	});
	const begun = new Map<string, Experiment>(before?.begun);
	const [first, ...rest] = changesOf(snapshot, begun);
	if (first !== undefined) throw new RouterError([first, ...rest]);
	for (const { experiment } of snapshot.experiments) {
		const key = iterationKey(experiment);
		if (experiment.status === "running" && !begun.has(key)) begun.set(key, experiment);
	}
	return { label: snapshot.commit.slice(0, 8), file: bundle.file, begun };
}

/** Metrics and the like move no unit, so the compiler does not ask for them; a start decision does. */
function changesOf({ experiments, metrics }: RepositorySnapshot, begun: InForce["begun"]): RouterProblem[] {
	const running = experiments.flatMap((now) => {
		const before = now.experiment.status === "running" ? begun.get(iterationKey(now.experiment)) : undefined;
		return before === undefined ? [] : [{ begun: before, now }];
	});
	return designChanges(running, metrics).map(({ file, line, field, after, fix }) => ({
		code: "ITERATION_CHANGED",
		...{ file, line, field, value: after, fix },
	}));
}

function iterationKey({ key, iteration }: Experiment): string {
	return `${key}#${iteration}`;
}

/**
 * What a service that follows the branch has in force of each environment after these commits: one that it would refuse
 * leaves what was deployed before.
 * @param commits oldest first
 */
export async function followCommits(
	registry: Registry,
	commits: readonly string[],
): Promise<ReadonlyMap<string, InForce>> {
	const inForce = new Map<string, InForce>();
	for (const commit of commits) {
		const snapshot = await orUndefined(() => registry.snapshot(commit));
		for (const file of snapshot?.environments ?? []) {
			const deployed = await orUndefined(() => deploy(snapshot!, file, inForce.get(file.name)));
			if (deployed !== undefined) inForce.set(file.name, deployed);
		}
	}
	return inForce;
}

/** Nothing for a commit that nobody could deploy. */
async function orUndefined<T>(attempt: () => T | Promise<T>): Promise<T | undefined> {
	try {
		return await attempt();
	} catch (error) {
		const isRefused = error instanceof RegistryError && error.code === "INVALID_REPOSITORY";
		if (isRefused || error instanceof RouterError) return undefined;
		throw error;
	}
}
