import {
	DEFAULT_VARIANT,
	type RoutedExperiment,
	type RoutingFlag,
	type RoutingVariant,
	routedExperiments,
} from "@armspan/schema";
import type { Assignment, AssignmentReason } from "./assignment.ts";
import type { Lint } from "./lint.ts";

/** The assignments that a flag can give, made once. */
export interface FlagVariants {
	variant(key: string): Assignment | undefined;
	/** Default variant, for this reason. */
	unenrolled(reason: AssignmentReason): Assignment;
}

/** How a flag's variant is delivered, by its key. */
type Delivery = "split" | "override" | "shadow" | "default";

function deliveryOf(key: string): Delivery {
	if (key === DEFAULT_VARIANT) return "default";
	if (key.endsWith(".override")) return "override";
	return key.endsWith(".shadow") && key.split(".").length === 3 ? "shadow" : "split";
}

/** Reads a flag's variants; `undefined` when there is no default. */
export function readFlagVariants(
	prompt: string,
	flag: RoutingFlag,
	path: string,
	lint: Lint,
): FlagVariants | undefined {
	const standard = Object.hasOwn(flag.variants, DEFAULT_VARIANT) ? flag.variants[DEFAULT_VARIANT] : undefined;
	const running = routedExperiments(flag.metadata).filter(({ status }) => status === "running");
	const assignments = new Map<string, Assignment>();
	for (const [key, variant] of Object.entries(flag.variants)) {
		const at = `${path}.variants.${key}`;
		if (variant.prompt !== prompt) lint.add("VARIANT_INVALID", `${at}.prompt`, variant.prompt, `expected "${prompt}"`);
		checkIdentity(key, variant, at, lint);
		if (key !== DEFAULT_VARIANT) checkExperiment(variant, running, at, lint);
		if (variant.shadow !== undefined && standard !== undefined && variant.digest !== standard.digest) {
			lint.add("VARIANT_INVALID", `${at}.digest`, variant.digest, "a shadow's answer comes from the default version");
		}
		assignments.set(key, assignmentOf(key, flag, deliveryOf(key)));
	}
	if (standard === undefined) {
		const keys = Object.keys(flag.variants);
		lint.add("VARIANT_UNKNOWN", `${path}.variants`, keys, `expected a variant "${DEFAULT_VARIANT}"`);
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

/** The key says all of it once more; a variant that says something else is a mistake somewhere. */
function checkIdentity(key: string, variant: RoutingVariant, at: string, lint: Lint): void {
	const delivery = deliveryOf(key);
	if (variant.enrolled !== (delivery === "split")) {
		const fix = "expected true for an arm, false for the default, an override and a shadow";
		lint.add("VARIANT_INVALID", `${at}.enrolled`, variant.enrolled, fix);
	}
	if ((variant.shadow !== undefined) !== (delivery === "shadow")) {
		lint.add("VARIANT_INVALID", `${at}.shadow`, variant.shadow, 'expected in "<experiment>.<variant>.shadow" only');
	}
	const arm = delivery === "shadow" ? variant.shadow?.variant : variant.variant;
	const suffix = delivery === "override" || delivery === "shadow" ? `.${delivery}` : "";
	const isDefault = variant.experiment === null && variant.variant === DEFAULT_VARIANT && variant.iteration === 0;
	const isArm = variant.experiment !== null && key === `${variant.experiment}.${arm}${suffix}`;
	const deliversDefault = variant.variant === DEFAULT_VARIANT;
	const isRight = delivery === "default" ? isDefault : isArm && deliversDefault === (delivery === "shadow");
	if (!isRight) lint.add("VARIANT_INVALID", at, `${variant.experiment}.${arm}`, `expected what "${key}" says`);
}

function checkExperiment(variant: RoutingVariant, running: readonly RoutedExperiment[], at: string, lint: Lint): void {
	const isRunning = running.some(({ key, iteration }) => key === variant.experiment && iteration === variant.iteration);
	if (isRunning) return;
	const fix = "expected an iteration that metadata.experiments names as running";
	lint.add("VARIANT_INVALID", `${at}.iteration`, `${variant.experiment}#${variant.iteration}`, fix);
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
		shadow: deepFreeze(variant.shadow),
		unitType: flag.metadata.unit,
		reason,
	});
}

function deepFreeze<T>(value: T): T {
	if (value !== null && typeof value === "object") {
		for (const member of Object.values(value)) deepFreeze(member);
		Object.freeze(value);
	}
	return value;
}
