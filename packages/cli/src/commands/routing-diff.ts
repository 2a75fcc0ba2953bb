import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { Command, Option } from "commander";
import { CliError } from "../cli-error.ts";
import { compareRouting, type RoutingDiff } from "../routing/compare-routing.ts";
import { renderRoutingDiff } from "../routing/render-routing-diff.ts";
import { type RoutingSide, sideOf } from "../routing/routing-side.ts";
import { shareInterval } from "../routing/share-interval.ts";
import { UNIT_KINDS, type UnitKind } from "../routing/unit-record.ts";
import {
	deployedCommit,
	syntheticSample,
	type UnitsSource,
	unitsOfFile,
	unitsOfService,
} from "../routing/units-source.ts";
import { integerBetween } from "./options.ts";

interface DiffOptions {
	repository: string;
	environment: string;
	from?: string;
	to: string;
	data?: string;
	url?: string;
	units?: string;
	unit: UnitKind;
	seed: number;
	exitCode?: true;
	json?: true;
}

const EXAMPLES = `
What is compared: --from, else what --data or --url has deployed, else HEAD~1; with --to.
Units: those of --units; else those that the service at --url has seen in the last day, as far as their ids left the
application unhashed; else 100,000 synthetic ids, whose result is shares with their sampling error.

Examples:
  armspan routing diff --repository ../my-prompts --from main --to my-branch
  armspan routing diff --data ./data --units customers.jsonl
  armspan routing diff --url http://127.0.0.1:7070 --exit-code
  zcat ids.gz | armspan routing diff --units - --json

Each line of --units is an id, or JSON: {"user":"u-1","session":"s-7","attributes":{"plan":"pro"}}.

Exit codes: 0 compared, 1 failed, 2 wrong usage; with --exit-code, 1 also when a unit would change its arm, or its arm
what it delivers, without a new iteration, and when --to is a commit that the service would refuse after --from.`;

/** `armspan routing diff` */
export function routingDiffCommand(): Command {
	return new Command("diff")
		.description("in units, what a change of prompts, experiments or environment would do")
		.option("--repository <dir>", "git repository with prompts/, experiments/ and environments/", ".")
		.option("--env, --environment <name>", "environment of the repository", "production")
		.option("--from <ref|dir>", "commit, branch, tag, or folder of a routing bundle")
		.option("--to <ref|dir>", "the same, after the change", "HEAD")
		.option("--data <dir>", "data folder of armspan up: compare with the bundle in its routing/")
		.option("--url <service>", "API of a running service (its token: ARMSPAN_TOKEN)")
		.option("--units <file>", "units to ask about, - for stdin")
		.addOption(new Option("--unit <type>", "what an id alone in --units names").choices(UNIT_KINDS).default("user"))
		.option("--seed <n>", "of the synthetic ids", integerBetween(0, 2 ** 31 - 1), 1)
		.option("--exit-code", "exit with 1 when the change moves units of an iteration that runs")
		.option("--json", "print JSON")
		.addHelpText("after", EXAMPLES)
		.action(async (options: DiffOptions) => {
			const from = await sideOf(await fromOf(options), options);
			const to = await sideOf(options.to, options, from);
			const source = await unitsOf(options, [from, to]);
			const diff = compareRouting(from, to, source.units);
			const caveats = [
				...(routesAlike(from, to) ? ["both sides route every unit alike"] : []),
				...source.caveats,
				...audienceCaveat(source, [from, to]),
			];
			const synthetic = source.kind === "synthetic";
			process.stdout.write(
				options.json === true
					? toJson({ from: from.label, to: to.label, source, caveats, diff })
					: [
							`${from.table.flagSetId}: ${from.label} → ${to.label}`,
							`units: ${source.description}`,
							...caveats.map((caveat) => `note: ${caveat}`),
							"",
							renderRoutingDiff(diff, synthetic),
						].join("\n"),
			);
			if (options.exitCode === true) refuseMoves(diff, to);
		});
}

/** @throws {CliError} UNITS_MOVE */
function refuseMoves({ experiments }: RoutingDiff, { refused = [] }: RoutingSide): void {
	const moved = experiments.filter((one) => one.moved + one.redefined > 0).map((one) => one.experiment);
	if (moved.length + refused.length === 0) return;
	const counted = `units change their arm, or their arm what it delivers, within an iteration of ${moved.join(", ")}`;
	const lines = refused.map(
		({ file, line, field, fix }) => `\n  ${file}${line === undefined ? "" : `:${line}`}: ${field}: ${fix}`,
	);
	throw new CliError(
		"UNITS_MOVE",
		`${moved.length === 0 ? "units of an iteration that runs would be exchanged or lost" : counted}${lines.join("")}`,
		moved.length === 0
			? "undo the change"
			: `raise iteration in ${moved.map((key) => `experiments/${key}.yaml`).join(", ")}`,
	);
}

async function fromOf({ from, data, url }: DiffOptions): Promise<string> {
	if (from !== undefined) return from;
	if (data !== undefined) return join(data, "routing");
	return url === undefined ? "HEAD~1" : deployedCommit(url);
}

async function unitsOf(options: DiffOptions, sides: readonly RoutingSide[]): Promise<UnitsSource> {
	const { units, unit, url, seed } = options;
	if (units !== undefined) return unitsOfFile(units, unit);
	const unitAttributes = new Set(
		sides.flatMap(({ file }) => Object.values(file.flags).flatMap(({ metadata }) => metadata.unitAttribute ?? [])),
	);
	return url === undefined ? syntheticSample(seed, unitAttributes) : unitsOfService(url, seed, unitAttributes);
}

function routesAlike({ file: from }: RoutingSide, { file: to }: RoutingSide): boolean {
	return isDeepStrictEqual([from.flags, from.$evaluators], [to.flags, to.$evaluators]);
}

/** Units without attributes meet no audience: their numbers would be read as "nobody". */
function audienceCaveat({ kind }: UnitsSource, sides: readonly RoutingSide[]): string[] {
	if (kind === "given") return [];
	const asked = new Set(sides.flatMap(({ file }) => attributesAsked(file.flags)));
	const randomized = sides.flatMap(({ file }) =>
		Object.values(file.flags).map(({ metadata }) => metadata.unitAttribute),
	);
	for (const name of ["targetingKey", ...randomized]) if (name !== undefined) asked.delete(name);
	return asked.size === 0
		? []
		: [
				`these units have no attributes, so audiences that ask for ${[...asked].sort().join(", ")} are not met; name units with attributes in --units`,
			];
}

function attributesAsked(node: unknown): string[] {
	if (typeof node !== "object" || node === null) return [];
	if (Array.isArray(node)) return node.flatMap(attributesAsked);
	return Object.entries(node).flatMap(([key, value]) =>
		key === "var" && typeof value === "string" ? [value] : attributesAsked(value),
	);
}

function toJson(result: {
	from: string;
	to: string;
	source: UnitsSource;
	caveats: readonly string[];
	diff: RoutingDiff;
}): string {
	const { from, to, source, caveats, diff } = result;
	const shares = Object.fromEntries(
		diff.experiments.map(({ experiment, newlyEnrolled, unenrolled, moved }) => [
			experiment,
			{
				newlyEnrolled: shareInterval(newlyEnrolled, diff.units),
				unenrolled: shareInterval(unenrolled, diff.units),
				moved: shareInterval(moved, diff.units),
			},
		]),
	);
	const document = {
		...{ schemaVersion: 1, from, to },
		units: { kind: source.kind, count: diff.units, description: source.description },
		caveats,
		experiments: diff.experiments,
		prompts: diff.prompts,
		...(source.kind === "synthetic" ? { shares } : {}),
	};
	return `${JSON.stringify(document, undefined, 2)}\n`;
}
