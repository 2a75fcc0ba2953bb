import { AudienceCondition, type JsonValue } from "@armspan/schema";
import type { Attributes } from "./assignment.ts";
import { operation } from "./lint.ts";
import { isSameJson } from "./same-json.ts";
import { isInVersionRange } from "./version-range.ts";

/** Sorts below every version, so that comparing with it asks whether something is a version at all. */
const LOWEST_VERSION = "0.0.0-0";

/**
 * JsonLogic of one condition, with guards that make the flagd evaluators of JavaScript, Python and Go answer alike for
 * attributes that are missing or are a text, number or boolean of the wrong type: all say no.
 */
export function audienceNode(condition: AudienceCondition): JsonValue {
	const attribute: JsonValue = { var: condition.attribute };
	const isText: JsonValue = { starts_with: [attribute, ""] };
	// Python takes true for 1 and false for 0; its sem_ver is what tells them apart: "1" is a version, "True" is none.
	const isNotZeroOrOne: JsonValue = { "!": [{ sem_ver: [attribute, ">=", LOWEST_VERSION] }] };
	const isBoolean: JsonValue = {
		and: [isNotZeroOrOne, { or: [{ "===": [attribute, true] }, { "===": [attribute, false] }] }],
	};
	const isNumber: JsonValue[] = [{ "!==": [attribute, null] }, { "!": [isText] }, { "!": [isBoolean] }];
	if (condition.in !== undefined) {
		const [first] = condition.in;
		if (typeof first === "boolean") return { and: [isNotZeroOrOne, { "===": [attribute, first] }] };
		// Go would take 0 for every text, and "1" for 1.
		const guards = typeof first === "number" ? isNumber : [isText];
		return { and: [...guards, { in: [attribute, condition.in] }] };
	}
	if (condition.notIn !== undefined) return { and: [isText, { "!": [{ in: [attribute, condition.notIn] }] }] };
	if (condition.startsWith !== undefined) return { starts_with: [attribute, condition.startsWith] };
	if (condition.endsWith !== undefined) return { ends_with: [attribute, condition.endsWith] };
	if (condition.atLeast !== undefined) return { and: [...isNumber, { ">=": [attribute, condition.atLeast] }] };
	if (condition.below !== undefined) return { and: [...isNumber, { "<": [attribute, condition.below] }] };
	// "v1.2.0", " 1.2.0" and "1.2.0+build" are no version any more with something around them; "1.2" becomes one.
	const isBare: JsonValue = { sem_ver: [{ cat: ["1", attribute, "+x"] }, ">=", LOWEST_VERSION] };
	const isPartial: JsonValue = { sem_ver: [{ cat: ["0.", attribute] }, ">=", LOWEST_VERSION] };
	const comparisons = (condition.version ?? "").split(" ").map((comparator): JsonValue => {
		const [, operator = "", version = ""] = /^([<>=]+)(.*)$/.exec(comparator) ?? [];
		return { sem_ver: [attribute, operator, version] };
	});
	return { and: [isText, isBare, { "!": [isPartial] }, ...comparisons] };
}

/** The condition that a node was compiled from; `undefined` for a node that differs in anything from what is compiled. */
export function readAudienceNode(node: JsonValue): AudienceCondition | undefined {
	const checked = AudienceCondition.safeParse(candidate(node));
	return checked.success && isSameJson(audienceNode(checked.data), node) ? checked.data : undefined;
}

/** What the node seems to say; whether it says just that, with its guards, is for the caller to see. */
function candidate(node: JsonValue): unknown {
	const found = operation(node);
	if (found?.operator === "starts_with") return { attribute: nameOf(found.args[0]), startsWith: found.args[1] };
	if (found?.operator === "ends_with") return { attribute: nameOf(found.args[0]), endsWith: found.args[1] };
	if (found?.operator !== "and") return undefined;
	const last = operation(found.args.at(-1));
	const [subject, operand] = last?.args ?? [];
	const attribute = nameOf(subject);
	switch (last?.operator) {
		case "in":
			return { attribute, in: operand };
		case "===":
			return { attribute, in: [operand] };
		case ">=":
			return { attribute, atLeast: operand };
		case "<":
			return { attribute, below: operand };
		case "!": {
			const [inner, list] = operation(subject)?.args ?? [];
			return { attribute: nameOf(inner), notIn: list };
		}
		case "sem_ver": {
			const comparators = found.args.slice(3).map((part) => operation(part)?.args.slice(1).join(""));
			return { attribute, version: comparators.join(" ") };
		}
		default:
			return undefined;
	}
}

function nameOf(node: JsonValue | undefined): JsonValue | undefined {
	const found = operation(node);
	return found?.operator === "var" ? found.args[0] : undefined;
}

/** Whether a call's attributes meet the condition; allocates nothing but for `version`. */
export function audienceTest(condition: AudienceCondition): (attributes: Attributes | undefined) => boolean {
	const test = valueTest(condition);
	const { attribute } = condition;
	return (attributes) => attributes !== undefined && test(attributes[attribute]);
}

function valueTest(condition: AudienceCondition): (value: unknown) => boolean {
	const { notIn, startsWith, endsWith, atLeast, below, version } = condition;
	if (condition.in !== undefined) {
		const members = new Set<unknown>(condition.in);
		return (value) => members.has(value);
	}
	if (notIn !== undefined) {
		const members = new Set<unknown>(notIn);
		return (value) => typeof value === "string" && !members.has(value);
	}
	if (startsWith !== undefined) return (value) => typeof value === "string" && value.startsWith(startsWith);
	if (endsWith !== undefined) return (value) => typeof value === "string" && value.endsWith(endsWith);
	if (atLeast !== undefined) return (value) => typeof value === "number" && value >= atLeast;
	if (below !== undefined) return (value) => typeof value === "number" && value < below;
	return isInVersionRange(version ?? "");
}

/** `one of "CH", "DE"` */
export function describeAudience(condition: AudienceCondition): string {
	const list = (values: readonly unknown[]) => values.map((value) => JSON.stringify(value)).join(", ");
	const { notIn, startsWith, endsWith, atLeast, below, version } = condition;
	if (condition.in !== undefined) return `${condition.in.length > 1 ? "one of " : ""}${list(condition.in)}`;
	if (notIn !== undefined) return `a text other than ${list(notIn)}`;
	if (startsWith !== undefined) return `a text that starts with ${list([startsWith])}`;
	if (endsWith !== undefined) return `a text that ends with ${list([endsWith])}`;
	if (atLeast !== undefined) return `a number ≥ ${atLeast}`;
	if (below !== undefined) return `a number < ${below}`;
	return `a version ${version}`;
}
