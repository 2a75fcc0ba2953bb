import {
	type RoutedExperiment,
	type RoutingFile,
	type RoutingFlag,
	routedExperiments,
	type UnitType,
} from "@armspan/schema";
import type { Assignment, Attributes, Units } from "./assignment.ts";
import { throwProblems } from "./errors.ts";
import { compileEvaluatorsSteps, type Evaluator } from "./evaluators.ts";
import { describeAssignment, type Explanation, Trail } from "./explanation.ts";
import { type FlagVariants, readFlagVariants } from "./flag-variants.ts";
import { atOnce } from "./in-slices.ts";
import { Lint } from "./lint.ts";
import { murmur3 } from "./murmur3.ts";
import { readUnitId } from "./read-unit-id.ts";
import { checkRoutingSchemaSteps } from "./routing-schema.ts";
import { type Target, TargetingCompiler } from "./targeting.ts";
import { UnitId } from "./unit-id.ts";

interface Route {
	readonly unit: UnitType;
	readonly unitAttribute: string | undefined;
	readonly target: Target;
}

/** A table, and the file that it was made of as the schema passed it. */
interface LoadedTable {
	readonly table: RoutingTable;
	readonly file: RoutingFile;
}

/** A routing file, checked and compiled: assigns without clock, file, log or allocation. */
export class RoutingTable {
	/** Strictly increasing. */
	readonly revision: number;
	/** `armspan/<environment>` */
	readonly flagSetId: string;
	readonly sourceCommit: string;
	/** Digests of all prompt files that an assignment can name. */
	readonly digests: ReadonlySet<string>;
	private readonly routes: ReadonlyMap<string, Route>;
	/** Reused by every assignment; none is under way while another begins. */
	private readonly unit = new UnitId();

	private constructor(file: RoutingFile, routes: ReadonlyMap<string, Route>) {
		this.revision = file.metadata.revision;
		this.flagSetId = file.metadata.flagSetId;
		this.sourceCommit = file.metadata.sourceCommit;
		this.digests = digestsOf(file);
		this.routes = routes;
	}

	/**
	 * The table of a parsed `routing.json`.
	 * @throws {RouterError} with the first hundred problems, each with the path of the offending node
	 */
	static fromFile(input: unknown): RoutingTable {
		return RoutingTable.load(input).table;
	}

	/** The same, with the file as the schema passed it. */
	static load(input: unknown): LoadedTable {
		return atOnce(RoutingTable.loadSteps(input));
	}

	/** The same a flag at a time, since a file of a thousand flags would keep calls waiting. */
	static *loadSteps(input: unknown): Generator<void, LoadedTable, void> {
		const file = yield* checkRoutingSchemaSteps(input);
		const lint = new Lint();
		checkSelfTest(file, lint);
		const evaluators = yield* compileEvaluatorsSteps(file.$evaluators ?? {}, lint);
		const routes = new Map<string, Route>();
		for (const [name, flag] of Object.entries(file.flags)) {
			const route = compileRoute(name, flag, evaluators, lint);
			if (route !== undefined) routes.set(name, route);
			if (lint.isFull) break;
			yield;
		}
		if (routes.size === 0 && lint.problems.length === 0) {
			lint.add("FLAGS_EMPTY", "flags", {}, "a file without flags would take every prompt away; expected at least one");
		}
		throwProblems(lint.problems);
		return { table: new RoutingTable(file, routes), file };
	}

	/** Names of the prompts that can be asked for. */
	get promptNames(): readonly string[] {
		return [...this.routes.keys()];
	}

	/**
	 * What this unit gets of the prompt: always the same for the same routing file. `undefined` if there is no such
	 * prompt. Ids other than printable ASCII are hashed first; what is no id by `readUnitId` is no unit.
	 */
	assign(prompt: string, units: Units, attributes?: Attributes): Assignment | undefined {
		const route = this.routes.get(prompt);
		if (route === undefined) return undefined;
		this.unit.load(givenUnit(route, units, attributes));
		return route.target.assign(this.unit, attributes);
	}

	/** Why `assign` gives what it gives; not for the path of a call. `undefined` if there is no such prompt. */
	explain(prompt: string, units: Units, attributes?: Attributes): Explanation | undefined {
		const route = this.routes.get(prompt);
		if (route === undefined) return undefined;
		const unitId = readUnitId(givenUnit(route, units, attributes));
		const unit = new UnitId();
		unit.load(unitId);
		const trail = new Trail();
		const assignment = route.target.explain(unit, attributes, trail);
		return {
			promptName: prompt,
			unitType: route.unit,
			unitAttribute: route.unitAttribute,
			unitId,
			routableUnitId: unit.text,
			steps: trail.steps,
			assignment,
			sentence: describeAssignment(assignment),
		};
	}

	/** Id of the unit that `assign` hashes for this prompt, as given; `undefined` when the call names none. */
	unitId(prompt: string, units: Units, attributes?: Attributes): string | undefined {
		const route = this.routes.get(prompt);
		return route === undefined ? undefined : readUnitId(givenUnit(route, units, attributes));
	}
}

function givenUnit({ unit, unitAttribute }: Route, units: Units, attributes: Attributes | undefined): unknown {
	if (unit === "user") return units.user;
	if (unit === "session") return units.session;
	if (unit === "request") return units.request;
	return attributes?.[unitAttribute!];
}

/** A reader whose hash differs would move every unit. */
function checkSelfTest(file: RoutingFile, lint: Lint): void {
	const { selfTest } = file.metadata;
	const at = selfTest.lastIndexOf("=");
	const computed = murmur3(selfTest.slice(0, at));
	if (at === -1 || String(computed) !== selfTest.slice(at + 1)) {
		lint.add(
			"SELF_TEST_FAILED",
			"metadata.selfTest",
			selfTest,
			`expected "<input>=<murmur3>"; this reader computes ${computed}`,
		);
	}
}

function compileRoute(
	name: string,
	flag: RoutingFlag,
	evaluators: ReadonlyMap<string, Evaluator>,
	lint: Lint,
): Route | undefined {
	const path = `flags.${name}`;
	const variants = readFlagVariants(name, flag, path, lint);
	if (variants === undefined) return undefined;
	const { unit, unitAttribute } = flag.metadata;
	if ((unit === "attribute") !== (unitAttribute !== undefined)) {
		const fix = 'expected together with unit "attribute", and only then';
		lint.add("SCHEMA_INVALID", `${path}.metadata.unitAttribute`, unitAttribute, fix);
	}
	return { unit, unitAttribute, target: compileFlag(flag, path, variants, evaluators, lint) };
}

function compileFlag(
	flag: RoutingFlag,
	path: string,
	variants: FlagVariants,
	evaluators: ReadonlyMap<string, Evaluator>,
	lint: Lint,
): Target {
	const experiments = routedExperiments(flag.metadata);
	const statuses = new Map(experiments.map(({ key, status }) => [key, status]));
	if (statuses.size < experiments.length) {
		const fix = "expected every experiment once";
		lint.add("SCHEMA_INVALID", `${path}.metadata.experiments`, flag.metadata.experiments, fix);
	}
	const isRunning = experiments.some(({ status }) => status === "running");
	if (flag.targeting === undefined) {
		if (isRunning) lint.add("TARGETING_INVALID", `${path}.targeting`, undefined, "a running experiment needs one");
		return idle(variants, experiments, path);
	}
	if (experiments.length > 0 && !isRunning) {
		const { experiments: text } = flag.metadata;
		lint.add("TARGETING_INVALID", `${path}.targeting`, text, "no experiment is running; remove the targeting");
	}
	return new TargetingCompiler(lint, variants, evaluators, statuses).compile(flag.targeting, `${path}.targeting`);
}

/** Everybody gets the default. */
function idle(variants: FlagVariants, experiments: readonly RoutedExperiment[], path: string): Target {
	const [first] = experiments;
	const reason = first === undefined || first.status === "running" ? "default" : first.status;
	const assignment = variants.unenrolled(reason);
	const named = experiments.map(({ key, iteration, status }) => `${key} (iteration ${iteration}) is ${status}`);
	const sentence =
		first === undefined
			? "the prompt has no experiment: everybody gets the default"
			: `${named.join(", ")}: everybody gets the default`;
	return {
		assign: () => assignment,
		explain(_unit, _attributes, trail) {
			const outcome = reason === "default" ? "none" : reason;
			trail.add({ rule: "status", path: `${path}.metadata.experiments`, outcome, sentence });
			return assignment;
		},
	};
}

function digestsOf(file: RoutingFile): ReadonlySet<string> {
	const variants = Object.values(file.flags).flatMap((flag) => Object.values(flag.variants));
	return new Set(variants.flatMap(({ digest, shadow }) => (shadow === undefined ? [digest] : [digest, shadow.digest])));
}
