import type { Problems } from "./problems.ts";
import { routableUnitId } from "./routable-unit-id.ts";
import type { CompileInput, SourceFile } from "./routing-bundle.ts";
import { isRunning } from "./running-experiments.ts";

/**
 * Overrides must name an experiment and a variant that exist, and a unit once per prompt. One of an experiment that does
 * not run is left out of the bundle: a halt, which no person made, must not make an environment invalid.
 */
export function checkOverrides(input: CompileInput, source: SourceFile, problems: Problems): void {
	const experiments = new Map(input.experiments.map(({ experiment }) => [experiment.key, experiment]));
	const seen = new Map<string, number>();
	for (const [index, { unit, experiment: key, variant }] of input.environment.overrides.entries()) {
		const path = ["overrides", index];
		const experiment = experiments.get(key);
		if (experiment === undefined) {
			problems.add("OVERRIDE_UNKNOWN", source, [...path, "experiment"], key, "there is no experiment of this key");
			continue;
		}
		if (!experiment.variants.some((one) => one.key === variant)) {
			const known = experiment.variants.map((one) => one.key).join(", ");
			problems.add("OVERRIDE_UNKNOWN", source, [...path, "variant"], variant, `${key} has ${known}`);
		}
		// Two running experiments of a prompt are one decision for its calls.
		const scope = isRunning(experiment, input.halted) ? `prompt ${experiment.prompt}` : `experiment ${key}`;
		const id = `${scope} ${routableUnitId(unit)}`;
		const first = seen.get(id);
		if (first === undefined) seen.set(id, index);
		else {
			const fix = `overrides[${first}] gives this unit an arm of ${scope} already; remove one of the two`;
			problems.add("OVERRIDE_TWICE", source, [...path, "unit"], unit, fix);
		}
	}
}
