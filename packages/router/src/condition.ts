import type { AudienceCondition, JsonValue } from "@armspan/schema";
import type { AssignmentReason, Attributes } from "./assignment.ts";
import { audienceTest, describeAudience, readAudienceNode } from "./audience.ts";
import type { Evaluator } from "./evaluators.ts";
import { describeDraw, type ExplanationStep } from "./explanation.ts";
import { drawnIndex, type Fractional, openDraw, readFractional } from "./fractional.ts";
import { describeNode, type Lint, operation } from "./lint.ts";
import { isKnownOperator, OPERATOR_NAMES, unknownOperator } from "./operators.ts";
import { routableUnitId } from "./routable-unit-id.ts";
import type { UnitId } from "./unit-id.ts";

type Test = (unit: UnitId, attributes: Attributes | undefined) => boolean;

/** A condition and why a unit that meets it is left out. */
export interface Condition {
	readonly test: Test;
	readonly reason: AssignmentReason;
	/** The slot that the condition asks for, when units in it meet the condition. */
	readonly slot?: string;
	/** How many units it names, when it is an override. */
	readonly overrides?: number;
	/** The rule behind it, as it came out for this unit. */
	readonly explain: (unit: UnitId, attributes: Attributes | undefined) => ExplanationStep;
}

export const MAX_DEPTH = 20;

/** Reads conditions of the profile; whatever is outside of it goes to `lint` with its path. */
export class ConditionReader {
	private readonly lint: Lint;
	private readonly evaluators: ReadonlyMap<string, Evaluator>;

	constructor(lint: Lint, evaluators: ReadonlyMap<string, Evaluator>) {
		this.lint = lint;
		this.evaluators = evaluators;
	}

	/** `undefined` when the node is refused. */
	read(node: JsonValue | undefined, path: string, depth: number): Condition | undefined {
		if (isNoUnit(node)) return noUnit(path);
		const found = operation(node);
		if (depth > MAX_DEPTH) {
			this.lint.add("TARGETING_INVALID", path, undefined, `nested deeper than ${MAX_DEPTH} levels`);
			return undefined;
		}
		switch (found?.operator) {
			case "!":
				return this.negation(found.args, path, depth);
			case "==":
			case "!=":
				return this.comparison(found.operator, found.args, `${path}.${found.operator}`);
			case "fractional": {
				const fractional = readFractional(found.args, `${path}.fractional`, this.lint);
				return fractional === undefined ? undefined : this.share(fractional, "gate", path);
			}
			case "$ref": {
				const evaluator = this.reference(node, path);
				if (evaluator?.kind === "share") return this.share(evaluator.fractional, "holdout", evaluator.path);
				if (evaluator !== undefined)
					this.lint.add("TARGETING_INVALID", path, node, "expected an evaluator of true and false");
				return undefined;
			}
			case "in":
				if (isTargetingKey(found.args[0])) return this.named(found.args, `${path}.in`);
				return this.audience(node!, path);
			case "and":
			case "starts_with":
			case "ends_with":
				return this.audience(node!, path);
			default:
				this.unexpected(node, path, "a condition: !, ==, !=, in, and, starts_with, ends_with, fractional, $ref");
				return undefined;
		}
	}

	/** Names the operator if it is that which is not known, and else what was expected. */
	unexpected(node: JsonValue | undefined, path: string, expected: string): void {
		const found = operation(node);
		if (found === undefined || isKnownOperator(found.operator))
			this.lint.add("TARGETING_INVALID", path, describeNode(node), `expected ${expected}`);
		else this.unknown(found.operator, `${path}.${found.operator}`);
	}

	private unknown(operator: string, path: string): void {
		this.lint.add("OPERATOR_UNKNOWN", path, operator, `only ${OPERATOR_NAMES} are allowed`);
	}

	private negation(args: readonly JsonValue[], path: string, depth: number): Condition | undefined {
		if (args.length !== 1) this.lint.add("TARGETING_INVALID", `${path}.!`, args, "expected one argument");
		const inner = this.read(args[0], `${path}.![0]`, depth + 1);
		if (inner === undefined) return undefined;
		const { test, reason, explain } = inner;
		return { test: (unit, attributes) => !test(unit, attributes), reason, explain };
	}

	private audience(node: JsonValue, path: string): Condition | undefined {
		const condition = readAudienceNode(node);
		if (condition !== undefined) return audience(condition, path);
		const unknown = unknownOperator(node, path);
		if (unknown !== undefined) this.unknown(unknown.operator, unknown.path);
		else {
			const fix = "expected a condition on an attribute with its guards, just as Armspan compiles an audience";
			this.lint.add("TARGETING_INVALID", path, describeNode(node), fix);
		}
		return undefined;
	}

	/** Units by their routable id. */
	private named(args: readonly JsonValue[], path: string): Condition | undefined {
		const [, list] = args;
		const isId = (value: JsonValue) => typeof value === "string" && value !== "" && routableUnitId(value) === value;
		if (args.length !== 2 || !Array.isArray(list) || list.length === 0 || !list.every(isId)) {
			this.lint.add("TARGETING_INVALID", `${path}[1]`, list, "expected a list of ids as routableUnitId gives them");
			return undefined;
		}
		const ids = new Set<unknown>(list);
		const test: Test = (unit) => ids.has(unit.text);
		return {
			test,
			reason: "override",
			overrides: ids.size,
			explain: (unit) => {
				const isNamed = test(unit, undefined);
				const sentence = `"${unit.text}" is ${isNamed ? "" : "not "}overridden by name`;
				return { rule: "override", path, outcome: isNamed ? "named" : "not-named", sentence };
			},
		};
	}

	private share(fractional: Fractional, reason: "gate" | "holdout", path: string): Condition | undefined {
		const { values } = fractional;
		if (values.some((value) => typeof value !== "boolean")) {
			this.lint.add("TARGETING_INVALID", path, values, "expected entries [true, weight] and [false, weight]");
			return undefined;
		}
		const explain = (unit: UnitId): ExplanationStep => {
			const draw = openDraw(fractional, unit);
			const outcome = draw.value === true ? "inside" : "outside";
			return {
				rule: reason,
				path,
				outcome,
				draw,
				sentence: `${outcome} the ${reason}: ${describeDraw(draw, unit.text)}`,
			};
		};
		if (values.length === 1) {
			const only = values[0] === true;
			return { test: () => only, reason, explain };
		}
		return { test: (unit) => values[drawnIndex(fractional, unit)] === true, reason, explain };
	}

	private comparison(operator: "==" | "!=", args: readonly JsonValue[], path: string): Condition | undefined {
		const [left, right] = args;
		const evaluator = operation(left)?.operator === "$ref" ? this.reference(left, `${path}[0]`) : undefined;
		if (evaluator?.kind !== "slots" || typeof right !== "string" || args.length !== 2) {
			// Anything else is compared loosely by JsonLogic, and differently from language to language.
			const fix = 'expected [{"$ref":"<layer>"}, "<slot>"]; compare attributes with in';
			this.lint.add("TARGETING_INVALID", path, args, fix);
			return undefined;
		}
		if (!evaluator.slots.has(right)) {
			this.lint.add("TARGETING_INVALID", `${path}[1]`, right, "name a slot of the layer");
			return undefined;
		}
		const { fractional } = evaluator;
		const wanted = fractional.values.indexOf(right);
		const explain = (unit: UnitId): ExplanationStep => {
			const draw = openDraw(fractional, unit);
			const sentence = `in the slot ${draw.value} of the layer: ${describeDraw(draw, unit.text)}`;
			return { rule: "layer", path: evaluator.path, outcome: String(draw.value), draw, sentence };
		};
		return operator === "=="
			? { test: (unit) => drawnIndex(fractional, unit) === wanted, reason: "other-layer", slot: right, explain }
			: { test: (unit) => drawnIndex(fractional, unit) !== wanted, reason: "other-layer", explain };
	}

	private reference(node: JsonValue | undefined, path: string): Evaluator | undefined {
		const name = operation(node)?.args[0];
		const evaluator = typeof name === "string" ? this.evaluators.get(name) : undefined;
		if (evaluator === undefined) this.lint.add("REFERENCE_DANGLING", path, name, "name one of $evaluators");
		return evaluator;
	}
}

function noUnit(path: string): Condition {
	return {
		test: (unit) => unit.length === 0,
		reason: "no-unit",
		explain: (unit) => ({
			rule: "unit",
			path,
			outcome: unit.length === 0 ? "absent" : "present",
			sentence:
				unit.length === 0 ? "the call names no unit that could be hashed" : `the unit is hashed as "${unit.text}"`,
		}),
	};
}

function audience(condition: AudienceCondition, path: string): Condition {
	const isMet = audienceTest(condition);
	const expected = describeAudience(condition);
	const { attribute: name } = condition;
	return {
		test: (_unit, attributes) => isMet(attributes),
		reason: "audience",
		explain: (_unit, attributes) => {
			const found = attributes?.[name];
			const outcome = isMet(attributes) ? "met" : "not-met";
			const shown = found === undefined ? "is missing" : `is ${describeFound(found)}`;
			const sentence = `${name} ${shown}, expected ${expected}: ${outcome === "met" ? "in" : "not in"} the audience`;
			return { rule: "audience", path, outcome, attribute: { name, found, expected }, sentence };
		},
	};
}

const MAX_FOUND_LENGTH = 100;

function describeFound(found: unknown): string {
	if (typeof found !== "string") return typeof found === "object" ? "an object" : String(found);
	return JSON.stringify(found.length > MAX_FOUND_LENGTH ? `${found.slice(0, MAX_FOUND_LENGTH)}…` : found);
}

/** `{"!":[{"var":"targetingKey"}]}` */
export function isNoUnit(node: JsonValue | undefined): boolean {
	const negation = operation(node);
	return negation?.operator === "!" && negation.args.length === 1 && isTargetingKey(negation.args[0]);
}

function isTargetingKey(node: JsonValue | undefined): boolean {
	const variable = operation(node);
	return variable?.operator === "var" && variable.args.length === 1 && variable.args[0] === "targetingKey";
}
