import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { openRegistry } from "@armspan/registry";
import {
	type CompileInput,
	compileBundle,
	RouterError,
	type RouterProblem,
	RoutingTable,
	readBundle,
} from "@armspan/router";
import { type RoutingFile, routedExperiments } from "@armspan/schema";
import { CliError } from "../cli-error.ts";

/** A routing that units can be asked of. */
export interface RoutingSide {
	readonly table: RoutingTable;
	readonly file: RoutingFile;
	/** For people: `HEAD (1a2b3c4d)`, or the folder. */
	readonly label: string;
	/** Why a service that has the other side in force would not deploy this commit. */
	readonly refused?: readonly RouterProblem[];
}

export interface RepositoryPlace {
	readonly repository: string;
	readonly environment: string;
}

/** The routing bundle in a folder. @throws {RouterError} */
export function sideOfFolder(directory: string): RoutingSide {
	const { table, file } = readBundle(resolve(directory));
	return { table, file, label: `${directory} (revision ${table.revision})` };
}

/**
 * What a commit compiles to. Halts that are not committed are not in it but for those of `before`.
 * @param before what is changed: an iteration that it has halted never resumes
 * @throws {CliError} UNKNOWN_ENVIRONMENT
 * @throws {RegistryError | RouterError} with file and line
 */
export async function sideOfCommit(ref: string, place: RepositoryPlace, before?: RoutingSide): Promise<RoutingSide> {
	const input = await inputOfCommit(ref, place, before?.file);
	const { table, file } = RoutingTable.load(JSON.parse(compileBundle(input).json));
	const refused = before === undefined ? [] : problemsOf({ ...input, previous: before.file });
	return { table, file, label: `${ref} (${input.sourceCommit.slice(0, 8)})`, refused };
}

/**
 * What the compiler is given for a commit, as revision 1. What `before` has halted stays halted.
 * @throws {CliError} UNKNOWN_ENVIRONMENT
 * @throws {RegistryError}
 */
export async function inputOfCommit(ref: string, place: RepositoryPlace, before?: RoutingFile): Promise<CompileInput> {
	const registry = await openRegistry(resolve(place.repository));
	const snapshot = await registry.snapshot(ref);
	const found = snapshot.environments.find(({ name }) => name === place.environment);
	if (found === undefined) {
		const known = snapshot.environments.map(({ name }) => name).join(", ") || "none";
		throw new CliError(
			"UNKNOWN_ENVIRONMENT",
			`environments/${place.environment}.yaml is not in ${ref} (${snapshot.commit.slice(0, 8)}); there: ${known}`,
			"the same command with --environment NAME",
		);
	}
	return {
		environmentName: found.name,
		environment: found.environment,
		environmentLineOf: found.lineOf,
		experiments: snapshot.experiments,
		prompts: snapshot.releases,
		revision: 1,
		sourceCommit: snapshot.commit,
		halted: before === undefined ? undefined : haltedIterations(before),
	};
}

function problemsOf(input: CompileInput): readonly RouterProblem[] {
	try {
		compileBundle(input);
		return [];
	} catch (error) {
		if (error instanceof RouterError) return error.problems;
		throw error;
	}
}

/** A folder with `routing.json`, else a commit, branch or tag. */
export function sideOf(
	refOrFolder: string,
	place: RepositoryPlace,
	before?: RoutingSide,
): Promise<RoutingSide> | RoutingSide {
	return existsSync(join(refOrFolder, "routing.json"))
		? sideOfFolder(refOrFolder)
		: sideOfCommit(refOrFolder, place, before);
}

/** `key#iteration` of what a bundle has halted: it never resumes. */
export function haltedIterations({ flags }: RoutingFile): ReadonlySet<string> {
	const experiments = Object.values(flags).flatMap(({ metadata }) => routedExperiments(metadata));
	const halted = experiments.filter(({ status }) => status === "halted");
	return new Set(halted.map(({ key, iteration }) => `${key}#${iteration}`));
}
