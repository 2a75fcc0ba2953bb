import type { JsonValue } from "@armspan/schema";
import type { Assignment, AssignmentReason, Attributes } from "./assignment.ts";
import { readFractional } from "./fractional.ts";
import { describeNode, type Evaluator, type Lint, operation } from "./lint.ts";
import type { UnitId } from "./unit-id.ts";

/** What a unit gets; a length of 0 is no unit. */
export type Target = (unit: UnitId, attributes: Attributes | undefined) => Assignment;

/** A condition and why a unit that meets it is left out. */
interface Condition {
	readonly test: (unit: UnitId, attributes: Attributes | undefined) => boolean;
	readonly reason: AssignmentReason;
}

export interface FlagVariants {
	/** Assignment of a variant of this flag, made once. */
	variant(key: string): Assignment | undefined;
	/** Default variant, for this reason. */
	unenrolled(reason: AssignmentReason): Assignment;
}

const MAX_DEPTH = 20;
const ATTRIBUTE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const OPERATORS = "if, !, ==, !=, in, fractional, cat, var, $ref";

/** Compiles one flag's targeting; whatever is outside the profile goes to `lint` with its path. */
export class TargetingCompiler {
	private readonly lint: Lint;
	private readonly variants: FlagVariants;
	private readonly evaluators: ReadonlyMap<string, Evaluator>;

	constructor(lint: Lint, variants: FlagVariants, evaluators: ReadonlyMap<string, Evaluator>) {
		this.lint = lint;
		this.variants = variants;
		this.evaluators = evaluators;
	}

	/** The whole targeting; it must begin by leaving out calls that name no unit. */
	compile(node: JsonValue, path: string): Target {
		const found = operation(node);
		const [first, second] = found?.operator === "if" ? found.args : [];
		if (!isNoUnit(first) || second !== null) {
			this.lint.add(
				"TARGETING_INVALID",
				path,
				node,
				'targeting must begin {"if":[{"!":[{"var":"targetingKey"}]},null,…]}',
			);
		}
		return this.target(node, path, "default", 0);
	}

	private target(node: JsonValue | undefined, path: string, reason: AssignmentReason, depth: number): Target {
		const unenrolled = this.variants.unenrolled(reason);
		const nobody: Target = () => unenrolled;
		if (node === null) return nobody;
		if (typeof node === "string") {
			const assignment = this.variants.variant(node);
			if (assignment !== undefined) return () => assignment;
			this.lint.add("VARIANT_UNKNOWN", path, node, "name one of the flag's variants");
			return nobody;
		}
		const found = operation(node);
		if (depth > MAX_DEPTH) {
			this.lint.add("TARGETING_INVALID", path, undefined, `nested deeper than ${MAX_DEPTH} levels`);
		} else if (found?.operator === "if") {
			return this.branches(found.args, `${path}.if`, reason, depth);
		} else if (found?.operator === "fractional") {
			return this.arms(found.args, `${path}.fractional`, nobody);
		} else {
			this.unexpected(node, path, "null, a variant's name, if or fractional");
		}
		return nobody;
	}

	private branches(args: readonly JsonValue[], path: string, reason: AssignmentReason, depth: number): Target {
		if (args.length < 2) this.lint.add("TARGETING_INVALID", path, args, "expected condition, result, …, result");
		const tests: Condition["test"][] = [];
		const results: Target[] = [];
		let last = reason;
		let index = 0;
		for (; index + 1 < args.length; index += 2) {
			const condition = this.condition(args[index], `${path}[${index}]`, depth + 1);
			tests.push(condition.test);
			results.push(this.target(args[index + 1], `${path}[${index + 1}]`, condition.reason, depth + 1));
			last = condition.reason;
		}
		// JsonLogic: an `if` without a last result gives null.
		const otherwise = this.target(index < args.length ? args[index] : null, `${path}[${index}]`, last, depth + 1);
		const count = tests.length;
		return (unit, attributes) => {
			for (let branch = 0; branch < count; branch++) {
				if (tests[branch]!(unit, attributes)) return results[branch]!(unit, attributes);
			}
			return otherwise(unit, attributes);
		};
	}

	private arms(args: readonly JsonValue[], path: string, nobody: Target): Target {
		const fractional = readFractional(args, path, this.lint);
		if (fractional === undefined) return nobody;
		const assignments: Assignment[] = [];
		fractional.values.forEach((value, index) => {
			const assignment = typeof value === "string" ? this.variants.variant(value) : undefined;
			if (assignment !== undefined) assignments.push(assignment);
			else this.lint.add("VARIANT_UNKNOWN", `${path}[${index + 1}][0]`, value, "name one of the flag's variants");
		});
		const { hash, ends } = fractional;
		return (unit) => {
			const bucket = hash(unit) >>> 0;
			let index = 0;
			while (bucket >= ends[index]!) index++;
			return assignments[index]!;
		};
	}

	private condition(node: JsonValue | undefined, path: string, depth: number): Condition {
		const never: Condition = { test: () => false, reason: "audience" };
		if (isNoUnit(node)) return { test: (unit) => unit.length === 0, reason: "no-unit" };
		const found = operation(node);
		if (depth > MAX_DEPTH) {
			this.lint.add("TARGETING_INVALID", path, undefined, `nested deeper than ${MAX_DEPTH} levels`);
			return never;
		}
		switch (found?.operator) {
			case "!": {
				if (found.args.length !== 1)
					this.lint.add("TARGETING_INVALID", `${path}.!`, found.args, "expected one argument");
				const { test, reason } = this.condition(found.args[0], `${path}.![0]`, depth + 1);
				return { test: (unit, attributes) => !test(unit, attributes), reason };
			}
			case "in":
				return this.membership(found.args, `${path}.in`) ?? never;
			case "==":
			case "!=":
				return this.comparison(found.operator, found.args, `${path}.${found.operator}`) ?? never;
			case "fractional": {
				const share = booleanShare(readFractional(found.args, `${path}.fractional`, this.lint), path, this.lint);
				return share === undefined ? never : { test: share, reason: "gate" };
			}
			case "$ref": {
				const evaluator = this.reference(node, path);
				if (evaluator?.kind === "share") return { test: evaluator.test, reason: "holdout" };
				if (evaluator !== undefined)
					this.lint.add("TARGETING_INVALID", path, node, "expected an evaluator of true and false");
				return never;
			}
			default:
				this.unexpected(node, path, "a condition: !, ==, !=, in, fractional of true and false, $ref");
				return never;
		}
	}

	private membership(args: readonly JsonValue[], path: string): Condition | undefined {
		const [subject, list] = args;
		const attribute = operation(subject)?.operator === "var" ? operation(subject)?.args[0] : undefined;
		if (typeof attribute !== "string" || !ATTRIBUTE.test(attribute) || attribute === "targetingKey") {
			this.lint.add("TARGETING_INVALID", `${path}[0]`, subject, 'expected {"var":"<attribute>"}');
			return undefined;
		}
		const isScalar = (value: JsonValue) => ["string", "number", "boolean"].includes(typeof value);
		if (args.length !== 2 || !Array.isArray(list) || list.length === 0 || !list.every(isScalar)) {
			this.lint.add("TARGETING_INVALID", `${path}[1]`, list, "expected a list of texts, numbers and booleans");
			return undefined;
		}
		const allowed = new Set<unknown>(list);
		return {
			test: (_unit, attributes) => attributes !== undefined && allowed.has(attributes[attribute]),
			reason: "audience",
		};
	}

	private comparison(operator: "==" | "!=", args: readonly JsonValue[], path: string): Condition | undefined {
		const [left, right] = args;
		const evaluator = operation(left)?.operator === "$ref" ? this.reference(left, `${path}[0]`) : undefined;
		if (evaluator?.kind !== "slots" || typeof right !== "string" || args.length !== 2) {
			// Anything else is compared loosely by JsonLogic, and differently from language to language.
			this.lint.add(
				"TARGETING_INVALID",
				path,
				args,
				'expected [{"$ref":"<layer>"}, "<slot>"]; compare attributes with in',
			);
			return undefined;
		}
		if (!evaluator.slots.has(right)) {
			this.lint.add("TARGETING_INVALID", `${path}[1]`, right, "name a slot of the layer");
			return undefined;
		}
		const { slot } = evaluator;
		return {
			test: operator === "==" ? (unit) => slot(unit) === right : (unit) => slot(unit) !== right,
			reason: "other-layer",
		};
	}

	private reference(node: JsonValue | undefined, path: string): Evaluator | undefined {
		const name = operation(node)?.args[0];
		const evaluator = typeof name === "string" ? this.evaluators.get(name) : undefined;
		if (evaluator === undefined) this.lint.add("REFERENCE_DANGLING", path, name, "name one of $evaluators");
		return evaluator;
	}

	private unexpected(node: JsonValue | undefined, path: string, expected: string): void {
		const found = operation(node);
		const isKnown = found === undefined || OPERATORS.split(", ").includes(found.operator);
		if (isKnown) this.lint.add("TARGETING_INVALID", path, describeNode(node), `expected ${expected}`);
		else
			this.lint.add("OPERATOR_UNKNOWN", `${path}.${found.operator}`, found.operator, `only ${OPERATORS} are allowed`);
	}
}

/** `{"!":[{"var":"targetingKey"}]}` */
function isNoUnit(node: JsonValue | undefined): boolean {
	const negation = operation(node);
	if (negation?.operator !== "!" || negation.args.length !== 1) return false;
	const variable = operation(negation.args[0]);
	return variable?.operator === "var" && variable.args.length === 1 && variable.args[0] === "targetingKey";
}

/** The named evaluators: shares of true and false, and layers of slots. */
export function compileEvaluators(
	evaluators: Readonly<Record<string, JsonValue>>,
	lint: Lint,
): ReadonlyMap<string, Evaluator> {
	const compiled = new Map<string, Evaluator>();
	for (const [name, node] of Object.entries(evaluators)) {
		const path = `$evaluators.${name}`;
		const found = operation(node);
		if (found?.operator !== "fractional") {
			const known = found === undefined || OPERATORS.split(", ").includes(found.operator);
			const code = known ? "TARGETING_INVALID" : "OPERATOR_UNKNOWN";
			lint.add(code, path, describeNode(node), "expected fractional");
			continue;
		}
		const fractional = readFractional(found.args, `${path}.fractional`, lint);
		if (fractional === undefined) continue;
		if (fractional.values.every((value) => typeof value === "boolean")) {
			const test = booleanShare(fractional, path, lint);
			if (test !== undefined) compiled.set(name, { kind: "share", test });
		} else {
			const slots = fractional.values.map(String);
			const { hash, ends } = fractional;
			const slot = (unit: UnitId): string => {
				const bucket = hash(unit) >>> 0;
				let index = 0;
				while (bucket >= ends[index]!) index++;
				return slots[index]!;
			};
			compiled.set(name, { kind: "slots", slot, slots: new Set(slots) });
		}
	}
	return compiled;
}

function booleanShare(
	fractional: ReturnType<typeof readFractional>,
	path: string,
	lint: Lint,
): ((unit: UnitId) => boolean) | undefined {
	if (fractional === undefined) return undefined;
	const { values, hash, ends } = fractional;
	if (!values.every((value) => typeof value === "boolean")) {
		lint.add("TARGETING_INVALID", path, values, "expected entries [true, weight] and [false, weight]");
		return undefined;
	}
	const [only] = values;
	if (values.length === 1) return () => only === true;
	return (unit) => {
		const bucket = hash(unit) >>> 0;
		let index = 0;
		while (bucket >= ends[index]!) index++;
		return values[index] === true;
	};
}
