import {
	DEFAULT_VARIANT,
	HASH_VERSION,
	RoutingFile,
	type RoutingFlag,
	routedExperiments,
	type UnitType,
} from "@armspan/schema";
import type { Assignment, AssignmentReason, Attributes, Units } from "./assignment.ts";
import { RouterError, throwProblems } from "./errors.ts";
import { type Evaluator, Lint } from "./lint.ts";
import { murmur3 } from "./murmur3.ts";
import { compileEvaluators, type FlagVariants, type Target, TargetingCompiler } from "./targeting.ts";
import { UnitId } from "./unit-id.ts";

interface Route {
	readonly unit: UnitType;
	readonly unitAttribute: string | undefined;
	readonly target: Target;
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
	 * @throws {RouterError} with every problem and the path of the offending node
	 */
	static fromFile(input: unknown): RoutingTable {
		return RoutingTable.load(input).table;
	}

	/** The same, with the file as the schema passed it. */
	static load(input: unknown): { readonly table: RoutingTable; readonly file: RoutingFile } {
		const file = checkSchema(input);
		const lint = new Lint();
		checkSelfTest(file, lint);
		const evaluators = compileEvaluators(file.$evaluators ?? {}, lint);
		const routes = new Map<string, Route>();
		for (const [name, flag] of Object.entries(file.flags)) {
			const path = `flags.${name}`;
			const variants = flagVariants(name, flag, path, lint);
			if (variants === undefined) continue;
			const { unit, unitAttribute } = flag.metadata;
			if ((unit === "attribute") !== (unitAttribute !== undefined)) {
				const fix = 'expected together with unit "attribute", and only then';
				lint.add("SCHEMA_INVALID", `${path}.metadata.unitAttribute`, unitAttribute, fix);
			}
			routes.set(name, { unit, unitAttribute, target: compileFlag(flag, path, variants, evaluators, lint) });
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
	 * prompt. Ids other than printable ASCII are hashed first; an empty or absent id is no unit.
	 */
	assign(prompt: string, units: Units, attributes?: Attributes): Assignment | undefined {
		const route = this.routes.get(prompt);
		if (route === undefined) return undefined;
		this.unit.load(unitIdOf(route, units, attributes));
		return route.target(this.unit, attributes);
	}

	/** Id of the unit that `assign` hashes for this prompt; `undefined` when the call names none. */
	unitId(prompt: string, units: Units, attributes?: Attributes): string | undefined {
		const route = this.routes.get(prompt);
		return route === undefined ? undefined : unitIdOf(route, units, attributes);
	}
}

function unitIdOf(
	{ unit, unitAttribute }: Route,
	units: Units,
	attributes: Attributes | undefined,
): string | undefined {
	if (unit === "user") return units.user;
	if (unit === "session") return units.session;
	if (unit === "request") return units.request;
	const value = attributes?.[unitAttribute!];
	// A number is the same unit as its text; true and false would make all calls two units.
	return typeof value === "number" ? String(value) : typeof value === "string" ? value : undefined;
}

function checkSchema(input: unknown): RoutingFile {
	const lint = new Lint();
	const hash = (input as { metadata?: { hash?: unknown } } | null | undefined)?.metadata?.hash;
	if (typeof hash === "string" && hash !== HASH_VERSION) {
		lint.add(
			"HASH_VERSION_UNKNOWN",
			"metadata.hash",
			hash,
			`this version knows "${HASH_VERSION}" only; update Armspan`,
		);
	}
	throwProblems(lint.problems);
	let checked: ReturnType<typeof RoutingFile.safeParse>;
	try {
		checked = RoutingFile.safeParse(input);
	} catch (error) {
		// The schema recurses, and hostile nesting ends the stack.
		lint.add("SCHEMA_INVALID", "", undefined, "nested too deeply");
		throw new RouterError([lint.problems[0]!], error);
	}
	if (checked.success) return checked.data;
	for (const issue of checked.error.issues) lint.add("SCHEMA_INVALID", issue.path.join("."), undefined, issue.message);
	throwProblems(lint.problems, checked.error);
	throw checked.error;
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

function compileFlag(
	flag: RoutingFlag,
	path: string,
	variants: FlagVariants,
	evaluators: ReadonlyMap<string, Evaluator>,
	lint: Lint,
): Target {
	const status = routedExperiments(flag.metadata)[0]?.status;
	if (flag.targeting !== undefined && (status === "halted" || status === "stopped")) {
		lint.add("TARGETING_INVALID", `${path}.targeting`, status, `a ${status} experiment has no targeting; remove it`);
	}
	if (flag.targeting === undefined) {
		if (status === "running")
			lint.add("TARGETING_INVALID", `${path}.targeting`, undefined, "a running experiment needs one");
		const assignment = variants.unenrolled(status === undefined || status === "running" ? "default" : status);
		return () => assignment;
	}
	return new TargetingCompiler(lint, variants, evaluators).compile(flag.targeting, `${path}.targeting`);
}

function flagVariants(prompt: string, flag: RoutingFlag, path: string, lint: Lint): FlagVariants | undefined {
	const assignments = new Map<string, Assignment>();
	for (const [key, variant] of Object.entries(flag.variants)) {
		const at = `${path}.variants.${key}`;
		const isDefault = key === DEFAULT_VARIANT;
		const expected = isDefault ? DEFAULT_VARIANT : `${variant.experiment}.${variant.variant}`;
		if (variant.prompt !== prompt) lint.add("VARIANT_INVALID", `${at}.prompt`, variant.prompt, `expected "${prompt}"`);
		if (variant.enrolled === isDefault) {
			lint.add("VARIANT_INVALID", `${at}.enrolled`, variant.enrolled, "all variants but the default are enrolled");
		}
		if (isDefault ? variant.experiment !== null || variant.variant !== expected : key !== expected) {
			lint.add("VARIANT_INVALID", at, `${variant.experiment}.${variant.variant}`, `expected "${key}"`);
		}
		assignments.set(key, assignmentOf(key, flag, "split"));
	}
	if (!assignments.has(DEFAULT_VARIANT)) {
		lint.add(
			"VARIANT_UNKNOWN",
			`${path}.variants`,
			Object.keys(flag.variants),
			`expected a variant "${DEFAULT_VARIANT}"`,
		);
		return undefined;
	}
	const unenrolled = new Map<AssignmentReason, Assignment>();
	return {
		variant: (key) => assignments.get(key),
		unenrolled(reason) {
			const known = unenrolled.get(reason) ?? assignmentOf(DEFAULT_VARIANT, flag, reason);
			unenrolled.set(reason, known);
			return known;
		},
	};
}

function assignmentOf(key: string, flag: RoutingFlag, reason: AssignmentReason): Assignment {
	const variant = flag.variants[key]!;
	return Object.freeze({
		promptName: variant.prompt,
		version: variant.version,
		digest: variant.digest,
		model: variant.model,
		parameters: deepFreeze(variant.parameters),
		flagVariant: key,
		variant: variant.variant,
		experiment: variant.experiment,
		iteration: variant.iteration,
		enrolled: variant.enrolled,
		unitType: flag.metadata.unit,
		reason: key === DEFAULT_VARIANT && reason === "split" ? "default" : reason,
	});
}

function digestsOf(file: RoutingFile): ReadonlySet<string> {
	const flags = Object.values(file.flags);
	return new Set(flags.flatMap((flag) => Object.values(flag.variants).map((variant) => variant.digest)));
}

function deepFreeze<T>(value: T): T {
	if (value !== null && typeof value === "object") {
		for (const member of Object.values(value)) deepFreeze(member);
		Object.freeze(value);
	}
	return value;
}
