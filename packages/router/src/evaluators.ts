import type { JsonValue } from "@armspan/schema";
import { type Fractional, readFractional } from "./fractional.ts";
import { HASH_GUARD, HASH_GUARD_EVALUATOR, isHashGuardEvaluator } from "./hash-guard.ts";
import { describeNode, type Lint, operation } from "./lint.ts";
import { isKnownOperator } from "./operators.ts";

/** A named evaluator, compiled: a share of true and false, a layer of slots, or the guard, which draws nothing here. */
export type Evaluator =
	| { readonly kind: "hash-guard"; readonly path: string }
	| { readonly kind: "share"; readonly path: string; readonly fractional: Fractional }
	| {
			readonly kind: "slots";
			readonly path: string;
			readonly fractional: Fractional;
			readonly slots: ReadonlySet<string>;
	  };

/** Reads `$evaluators`, one a step; problems go to `lint`. */
export function* compileEvaluatorsSteps(
	evaluators: Readonly<Record<string, JsonValue>>,
	lint: Lint,
): Generator<void, ReadonlyMap<string, Evaluator>, void> {
	const compiled = new Map<string, Evaluator>();
	for (const [name, node] of Object.entries(evaluators)) {
		if (lint.isFull) break;
		yield;
		const path = `$evaluators.${name}`;
		if (name === HASH_GUARD) {
			if (isHashGuardEvaluator(node)) {
				compiled.set(name, { kind: "hash-guard", path });
				continue;
			}
			const fix = `expected ${JSON.stringify(HASH_GUARD_EVALUATOR)}, which a reader of hash v2 takes for true`;
			lint.add("SELF_TEST_FAILED", path, describeNode(node), fix);
			continue;
		}
		const found = operation(node);
		if (found?.operator !== "fractional") {
			const code = found === undefined || isKnownOperator(found.operator) ? "TARGETING_INVALID" : "OPERATOR_UNKNOWN";
			lint.add(code, path, describeNode(node), "expected fractional");
			continue;
		}
		const fractional = readFractional(found.args, `${path}.fractional`, lint);
		if (fractional === undefined) continue;
		const texts = fractional.values.filter((value) => typeof value === "string");
		if (new Set(texts).size < texts.length) {
			lint.add("TARGETING_INVALID", path, texts, "expected every slot once");
		}
		compiled.set(
			name,
			texts.length === 0
				? { kind: "share", path, fractional }
				: { kind: "slots", path, fractional, slots: new Set(texts) },
		);
	}
	return compiled;
}
