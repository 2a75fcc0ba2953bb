import {
	DEFAULT_VARIANT,
	type Environment,
	type Experiment,
	type ExperimentVariant,
	type RoutingFlag,
	type RoutingVariant,
} from "@armspan/schema";
import type { ReleasedPrompt } from "./routing-bundle.ts";

/** Name of an arm among the flag's variants. */
export function flagVariantKey(experiment: Experiment, variant: string, suffix?: "override" | "shadow"): string {
	return `${experiment.key}.${variant}${suffix === undefined ? "" : `.${suffix}`}`;
}

/** All arms but control. */
export function treatmentsOf({ variants }: Experiment): readonly ExperimentVariant[] {
	return variants.filter(({ key }) => key !== "control");
}

/** What units get that are in no experiment. */
export function defaultVariant(prompt: string, version: string, released: ReleasedPrompt): RoutingVariant {
	return {
		prompt,
		version,
		digest: released.digest,
		model: released.model,
		parameters: released.config,
		experiment: null,
		iteration: 0,
		variant: DEFAULT_VARIANT,
		enrolled: false,
	};
}

/**
 * Flag variants of a running experiment: its arms, or what runs in the default's shadow, and arms for overridden units.
 * @param use gives a version of the prompt and puts it into the bundle
 */
export function experimentVariants(
	experiment: Experiment,
	environment: Environment,
	standard: RoutingVariant,
	use: (version: string) => ReleasedPrompt,
): RoutingFlag["variants"] {
	const { allocation, iteration, key } = experiment;
	const variants: RoutingFlag["variants"] = {};
	const deliver = (variant: ExperimentVariant) => {
		const released = use(variant.version);
		return {
			version: variant.version,
			digest: released.digest,
			model: variant.model ?? released.model,
			parameters: { ...released.config, ...variant.config },
		};
	};
	const arm = (variant: ExperimentVariant, enrolled: boolean): RoutingVariant => ({
		prompt: experiment.prompt,
		...deliver(variant),
		experiment: key,
		iteration,
		variant: variant.key,
		enrolled,
	});
	if (allocation.type === "shadow") {
		const { maxConcurrent, maxCallsPerMinute } = allocation;
		for (const variant of treatmentsOf(experiment)) {
			variants[flagVariantKey(experiment, variant.key, "shadow")] = {
				...standard,
				experiment: key,
				iteration,
				shadow: { ...deliver(variant), variant: variant.key, maxConcurrent, maxCallsPerMinute },
			};
		}
	} else {
		for (const variant of experiment.variants) variants[flagVariantKey(experiment, variant.key)] = arm(variant, true);
	}
	for (const variant of experiment.variants) {
		const isOverridden = environment.overrides.some((one) => one.experiment === key && one.variant === variant.key);
		if (isOverridden) variants[flagVariantKey(experiment, variant.key, "override")] = arm(variant, false);
	}
	return variants;
}
