import { type JsonValue, type RoutingFile, type RoutingVariant, routedExperiments } from "@armspan/schema";
import { readAudienceNode } from "./audience.ts";
import { operation } from "./lint.ts";

type Delivery = Pick<RoutingVariant, "version" | "digest" | "model" | "parameters">;

/** What a routing file says of an iteration that runs: all that decides which unit gets which arm, but for the gate. */
export interface IterationFacts {
	readonly prompt: string;
	/** Type, and attribute if it is one. */
	readonly unit: readonly (string | undefined)[];
	readonly audience: readonly JsonValue[];
	/** Whether the treatments run in the default's shadow. */
	readonly isShadow: boolean;
	/** Arm → weight, in the order of the draw. */
	readonly arms: readonly (readonly [string, number])[];
	readonly deliveries: ReadonlyMap<string, Delivery>;
	/** Evaluator of its divided layer and the range of buckets that is its slot. */
	readonly slot: { readonly layer: string; readonly from: number; readonly to: number } | undefined;
}

/** The facts of every running iteration by the key of its experiment, as far as the file is Armspan's own. */
export function iterationFacts(
	file: RoutingFile,
): ReadonlyMap<string, IterationFacts & { readonly iteration: number }> {
	const facts = new Map<string, IterationFacts & { readonly iteration: number }>();
	for (const [prompt, { targeting, variants, metadata }] of Object.entries(file.flags)) {
		for (const { key, iteration, status } of routedExperiments(metadata)) {
			const rules = status === "running" ? rulesOf(targeting, `${key}.${iteration}`) : undefined;
			if (rules === undefined) continue;
			const deliveries = new Map<string, Delivery>();
			let isShadow = false;
			const arms = rules.arms.map(([flagVariant, weight]): [string, number] => {
				const variant = variants[flagVariant];
				isShadow ||= variant?.shadow !== undefined;
				const delivery = variant?.shadow ?? variant;
				const arm = variant?.shadow?.variant ?? variant?.variant ?? flagVariant;
				if (delivery !== undefined) {
					const { version, digest, model, parameters } = delivery;
					deliveries.set(arm, { version, digest, model, parameters });
				}
				return [arm, weight];
			});
			const unit = [metadata.unit, metadata.unitAttribute];
			const slot = slotOf(file, targeting, key);
			facts.set(key, { iteration, prompt, unit, audience: rules.audience, isShadow, arms, deliveries, slot });
		}
	}
	return facts;
}

interface Rules {
	readonly audience: readonly JsonValue[];
	readonly arms: readonly (readonly [string, number])[];
}

/** Audience and arms around the gate of these salts, wherever in the targeting it stands. */
function rulesOf(node: JsonValue | undefined, salt: string): Rules | undefined {
	const found = operation(node);
	if (found?.operator !== "if") return undefined;
	const gate = found.args.findIndex((argument) => saltOf(argument) === `${salt}.gate:`);
	if (gate >= 0) {
		const audience = found.args.slice(0, gate).flatMap((argument) => {
			const negation = operation(argument);
			const [inner] = negation?.operator === "!" ? negation.args : [];
			return inner !== undefined && readAudienceNode(inner) !== undefined ? [inner] : [];
		});
		return { audience, arms: entriesOf(found.args[gate + 1]) };
	}
	for (const argument of found.args) {
		const rules = rulesOf(argument, salt);
		if (rules !== undefined) return rules;
	}
	return undefined;
}

function slotOf(file: RoutingFile, targeting: JsonValue | undefined, key: string): IterationFacts["slot"] {
	const found = operation(targeting);
	for (const argument of found?.args ?? []) {
		const comparison = operation(argument);
		if (comparison?.operator !== "==" || comparison.args[1] !== key) continue;
		const layer = operation(comparison.args[0])?.args[0];
		if (typeof layer !== "string") continue;
		let from = 0;
		for (const [slot, weight] of entriesOf(file.$evaluators?.[layer])) {
			if (slot === key) return { layer, from, to: from + weight };
			from += weight;
		}
	}
	return undefined;
}

function saltOf(node: JsonValue | undefined): JsonValue | undefined {
	const found = operation(node);
	return found?.operator === "fractional" ? operation(found.args[0])?.args[0] : undefined;
}

function entriesOf(node: JsonValue | undefined): [string, number][] {
	const found = operation(node);
	if (found?.operator !== "fractional") return [];
	return found.args.slice(1).flatMap((entry): [string, number][] => {
		const [value, weight] = Array.isArray(entry) ? entry : [];
		return typeof value === "string" && typeof weight === "number" ? [[value, weight]] : [];
	});
}
