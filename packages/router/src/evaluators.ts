import type { JsonValue } from "@armspan/schema";
import { type Fractional, readFractional } from "./fractional.ts";
import { describeNode, type Lint, operation } from "./lint.ts";
import { isKnownOperator } from "./operators.ts";

/** A named evaluator, compiled: a share of true and false, or a layer of slots. */
export type Evaluator =
	| { readonly kind: "share"; readonly path: string; readonly fractional: Fractional }
	| {
			readonly kind: "slots";
			readonly path: string;
			readonly fractional: Fractional;
			readonly slots: ReadonlySet<string>;
	  };

/** Reads `$evaluators`; problems go to `lint`. */
export function compileEvaluators(
	evaluators: Readonly<Record<string, JsonValue>>,
	lint: Lint,
): ReadonlyMap<string, Evaluator> {
	const compiled = new Map<string, Evaluator>();
	for (const [name, node] of Object.entries(evaluators)) {
		const path = `$evaluators.${name}`;
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
