import type { JsonValue, RoutedStatus } from "@armspan/schema";
import type { Assignment, AssignmentReason, Attributes } from "./assignment.ts";
import { type Condition, ConditionReader, isNoUnit, MAX_DEPTH } from "./condition.ts";
import type { Evaluator } from "./evaluators.ts";
import { describeDraw, type ExplanationStep, type Trail } from "./explanation.ts";
import type { FlagVariants } from "./flag-variants.ts";
import { drawnIndex, openDraw, readFractional } from "./fractional.ts";
import { HASH_GUARD, isHashGuard } from "./hash-guard.ts";
import { describeNode, type Lint, operation } from "./lint.ts";
import type { UnitId } from "./unit-id.ts";

/** What a unit gets; a length of 0 is no unit. */
export interface Target {
	readonly assign: (unit: UnitId, attributes: Attributes | undefined) => Assignment;
	/** The same, saying by which rules. */
	readonly explain: (unit: UnitId, attributes: Attributes | undefined, trail: Trail) => Assignment;
}

/** Compiles one flag's targeting; whatever is outside the profile goes to `lint` with its path. */
export class TargetingCompiler {
	private readonly lint: Lint;
	private readonly variants: FlagVariants;
	private readonly conditions: ConditionReader;
	private readonly evaluators: ReadonlyMap<string, Evaluator>;
	/** Of the flag's experiments. */
	private readonly statuses: ReadonlyMap<string, RoutedStatus>;

	constructor(
		lint: Lint,
		variants: FlagVariants,
		evaluators: ReadonlyMap<string, Evaluator>,
		statuses: ReadonlyMap<string, RoutedStatus>,
	) {
		this.lint = lint;
		this.variants = variants;
		this.conditions = new ConditionReader(lint, evaluators);
		this.evaluators = evaluators;
		this.statuses = statuses;
	}

	/** The whole targeting; it must begin by leaving out calls that name no unit. */
	compile(node: JsonValue, path: string): Target {
		const found = operation(node);
		const [first, second] = found?.operator === "if" ? found.args : [];
		if (!isNoUnit(first) || second !== null) {
			const fix = 'targeting must begin {"if":[{"!":[{"var":"targetingKey"}]},null,…]}';
			this.lint.add("TARGETING_INVALID", path, node, fix);
		}
		return this.target(node, path, "default", 0);
	}

	private target(node: JsonValue | undefined, path: string, reason: AssignmentReason, depth: number): Target {
		if (node === null) return this.nobody(reason, path);
		if (typeof node === "string") {
			const assignment = this.variants.variant(node);
			if (assignment !== undefined) return { assign: () => assignment, explain: () => assignment };
			this.lint.add("VARIANT_UNKNOWN", path, node, "name one of the flag's variants");
			return this.nobody(reason, path);
		}
		const found = operation(node);
		if (depth > MAX_DEPTH) {
			this.lint.add("TARGETING_INVALID", path, undefined, `nested deeper than ${MAX_DEPTH} levels`);
		} else if (found?.operator === "if") {
			return this.branches(found.args, `${path}.if`, reason, depth);
		} else if (found?.operator === "fractional") {
			return this.arms(found.args, `${path}.fractional`);
		} else {
			this.conditions.unexpected(node, path, "null, a variant's name, if or fractional");
		}
		return this.nobody(reason, path);
	}

	private nobody(reason: AssignmentReason, path: string): Target {
		const unenrolled = this.variants.unenrolled(reason);
		const isOver = reason === "halted" || reason === "stopped";
		return {
			assign: () => unenrolled,
			explain(_unit, _attributes, trail) {
				if (isOver) {
					const sentence = `the experiment of this slot is ${reason}: its units get the default`;
					trail.add({ rule: "status", path, outcome: reason, sentence });
				}
				return unenrolled;
			},
		};
	}

	private branches(args: readonly JsonValue[], path: string, reason: AssignmentReason, depth: number): Target {
		if (args.length < 2) this.lint.add("TARGETING_INVALID", path, args, "expected condition, result, …, result");
		const conditions: Condition[] = [];
		const targets: Target[] = [];
		const arms: JsonValue[] = [];
		let last = reason;
		let index = 0;
		for (; index + 1 < args.length; index += 2) {
			if (depth === 0 && index === 2 && isHashGuard(args[index])) {
				this.checkHashGuard(args[index + 1], path);
				continue;
			}
			const condition = this.conditions.read(args[index], `${path}[${index}]`, depth + 1);
			const result = this.target(args[index + 1], `${path}[${index + 1}]`, this.leftOut(condition), depth + 1);
			last = condition?.reason ?? last;
			if (condition === undefined) continue;
			conditions.push(condition);
			targets.push(result);
			arms.push(args[index + 1] ?? null);
		}
		// JsonLogic: an `if` without a last result gives null.
		const otherwise = this.target(index < args.length ? args[index] : null, `${path}[${index}]`, last, depth + 1);
		const tests = conditions.map(({ test }) => test);
		const results = targets.map(({ assign }) => assign);
		const rest = otherwise.assign;
		const count = tests.length;
		const overrides = conditions.flatMap((condition, index) =>
			condition.overrides === undefined ? [] : [{ condition, count: condition.overrides, arm: armName(arms[index]) }],
		);
		return {
			assign(unit, attributes) {
				for (let branch = 0; branch < count; branch++) {
					if (tests[branch]!(unit, attributes)) return results[branch]!(unit, attributes);
				}
				return rest(unit, attributes);
			},
			explain(unit, attributes, trail) {
				for (let branch = 0; branch < count; branch++) {
					const condition = conditions[branch]!;
					if (condition.overrides === undefined) trail.add(condition.explain(unit, attributes));
					else trail.add(explainOverrides(overrides, unit, attributes));
					if (tests[branch]!(unit, attributes)) return targets[branch]!.explain(unit, attributes, trail);
				}
				return otherwise.explain(unit, attributes, trail);
			},
		};
	}

	/** This reader always passes it, so that it costs no call anything. */
	private checkHashGuard(result: JsonValue | undefined, path: string): void {
		if (!this.evaluators.has(HASH_GUARD)) {
			this.lint.add("REFERENCE_DANGLING", `${path}[2].!`, HASH_GUARD, "name one of $evaluators");
		}
		if (result !== null) {
			this.lint.add("TARGETING_INVALID", `${path}[3]`, describeNode(result), "expected null: the default, unenrolled");
		}
	}

	/** Why units that meet the condition get nothing, if they get nothing. */
	private leftOut(condition: Condition | undefined): AssignmentReason {
		const status = condition?.slot === undefined ? undefined : this.statuses.get(condition.slot);
		return status === "halted" || status === "stopped" ? status : (condition?.reason ?? "default");
	}

	private arms(args: readonly JsonValue[], path: string): Target {
		const fractional = readFractional(args, path, this.lint);
		if (fractional === undefined) return this.nobody("default", path);
		const assignments: Assignment[] = [];
		fractional.values.forEach((value, index) => {
			const assignment = typeof value === "string" ? this.variants.variant(value) : undefined;
			if (assignment !== undefined) assignments.push(assignment);
			else this.lint.add("VARIANT_UNKNOWN", `${path}[${index + 1}][0]`, value, "name one of the flag's variants");
		});
		return {
			assign: (unit) => assignments[drawnIndex(fractional, unit)]!,
			explain(unit, _attributes, trail) {
				const draw = openDraw(fractional, unit);
				const sentence = `drew ${draw.value}: ${describeDraw(draw, unit.text)}`;
				trail.add({ rule: "arm", path, outcome: String(draw.value), draw, sentence });
				return assignments[drawnIndex(fractional, unit)]!;
			},
		};
	}
}

interface Override {
	readonly condition: Condition;
	readonly count: number;
	readonly arm: string;
}

/** One step for all overrides of a flag: the one that names the unit, or who is named instead. */
function explainOverrides(
	overrides: readonly Override[],
	unit: UnitId,
	attributes: Attributes | undefined,
): ExplanationStep {
	const named = overrides.find(({ condition }) => condition.test(unit, attributes));
	const { condition, arm } = named ?? overrides[0]!;
	const step = condition.explain(unit, attributes);
	const others = overrides
		.map(({ count, arm: of }) => `${count === 1 ? "1 unit" : `${count} units`} for ${of}`)
		.join(", ");
	const sentence =
		named === undefined
			? `${step.sentence}, as ${others} ${sumsToOne(overrides) ? "is" : "are"}`
			: `${step.sentence}: gets ${arm}`;
	return { ...step, sentence };
}

function sumsToOne(overrides: readonly Override[]): boolean {
	return overrides.length === 1 && overrides[0]?.count === 1;
}

/** `polite.control.override` → `polite.control`: experiment and arm. */
function armName(node: JsonValue | undefined): string {
	return typeof node === "string" ? node.replace(/\.override$/, "") : "the default";
}
