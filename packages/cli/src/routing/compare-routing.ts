import { isDeepStrictEqual } from "node:util";
import type { Assignment } from "@armspan/router";
import { type RoutedExperiment, routedExperiments } from "@armspan/schema";
import type { RoutingSide } from "./routing-side.ts";
import type { UnitRecord } from "./unit-record.ts";

/** What a change does to the units of one experiment. */
export interface ExperimentDiff {
	readonly experiment: string;
	readonly prompt: string;
	/** `null` when that side does not know the experiment. */
	readonly from: { readonly iteration: number; readonly status: string } | null;
	readonly to: { readonly iteration: number; readonly status: string } | null;
	enrolledBefore: number;
	enrolledAfter: number;
	newlyEnrolled: number;
	unenrolled: number;
	/** Enrolled before and after, in the same iteration, in another arm: must be 0. */
	moved: number;
	/** Enrolled before and after, in another arm, since the iteration was raised. */
	redrawn: number;
	/** In the same arm of the same iteration, which delivers something else: must be 0. */
	redefined: number;
	/** Units in whose shadow a treatment runs. */
	shadowedBefore: number;
	shadowedAfter: number;
}

/** What a change does to the units of one prompt. */
export interface PromptDiff {
	readonly prompt: string;
	/** Version that units get that are in no experiment; `null` when that side does not know the prompt. */
	readonly fromDefault: string | null;
	readonly toDefault: string | null;
	/** In no experiment before and after, and get another version, model or parameters. */
	otherDefault: number;
	/** Get another version, model or parameters for whatever reason. */
	otherDelivery: number;
	/** Units that name no unit of the prompt's type: they get the default on both sides. */
	withoutUnit: number;
}

export interface RoutingDiff {
	readonly units: number;
	readonly experiments: readonly ExperimentDiff[];
	readonly prompts: readonly PromptDiff[];
}

/** Assigns every unit on both sides, and counts what differs. */
export function compareRouting(from: RoutingSide, to: RoutingSide, units: Iterable<UnitRecord>): RoutingDiff {
	const names = [...new Set([...from.table.promptNames, ...to.table.promptNames])].sort();
	const comparisons = names.map((prompt) => new PromptComparison(prompt, from, to));
	let count = 0;
	for (const unit of units) {
		count++;
		for (const comparison of comparisons) comparison.add(unit);
	}
	return {
		units: count,
		experiments: comparisons.flatMap((one) => [...one.experiments.values()]),
		prompts: comparisons.map((one) => one.diff),
	};
}

class PromptComparison {
	readonly diff: PromptDiff;
	readonly experiments = new Map<string, ExperimentDiff>();
	readonly #from: RoutingSide;
	readonly #to: RoutingSide;
	/** Assignments are made once per table, so few pairs come up again and again. */
	readonly #delivery = new Map<Assignment, Map<Assignment, boolean>>();

	constructor(prompt: string, from: RoutingSide, to: RoutingSide) {
		this.#from = from;
		this.#to = to;
		this.diff = {
			prompt,
			fromDefault: defaultVersion(from, prompt),
			toDefault: defaultVersion(to, prompt),
			otherDefault: 0,
			otherDelivery: 0,
			withoutUnit: 0,
		};
		const before = experimentsOf(from, prompt);
		const after = experimentsOf(to, prompt);
		for (const key of [...new Set([...before.keys(), ...after.keys()])].sort()) {
			this.experiments.set(key, {
				...{ experiment: key, prompt, from: summary(before.get(key)), to: summary(after.get(key)) },
				...{ enrolledBefore: 0, enrolledAfter: 0, newlyEnrolled: 0, unenrolled: 0, moved: 0, redrawn: 0 },
				...{ redefined: 0, shadowedBefore: 0, shadowedAfter: 0 },
			});
		}
	}

	add(unit: UnitRecord): void {
		const { prompt } = this.diff;
		const attributes = unit.attributes ?? {};
		const before = this.#from.table.assign(prompt, unit, attributes);
		const after = this.#to.table.assign(prompt, unit, attributes);
		if (before !== undefined && after !== undefined) {
			this.#compareDelivery(before, after);
			const named = [this.#from, this.#to].map(({ table }) => table.unitId(prompt, unit, attributes));
			if (named.every((id) => id === undefined)) this.diff.withoutUnit++;
		}
		this.#compareEnrolment(before, after);
	}

	#compareDelivery(before: Assignment, after: Assignment): void {
		if (this.#same(before, after)) return;
		this.diff.otherDelivery++;
		if (isDefault(before) && isDefault(after)) this.diff.otherDefault++;
	}

	#compareEnrolment(before: Assignment | undefined, after: Assignment | undefined): void {
		const was = this.#experiment(before);
		const is = this.#experiment(after);
		if (before?.shadow !== undefined && was !== undefined) was.shadowedBefore++;
		if (after?.shadow !== undefined && is !== undefined) is.shadowedAfter++;
		const left = before?.enrolled === true ? was : undefined;
		const joined = after?.enrolled === true ? is : undefined;
		if (left !== undefined) left.enrolledBefore++;
		if (joined !== undefined) joined.enrolledAfter++;
		if (left !== joined) {
			if (left !== undefined) left.unenrolled++;
			if (joined !== undefined) joined.newlyEnrolled++;
		} else if (left !== undefined && before !== undefined && after !== undefined) {
			if (before.variant !== after.variant) {
				if (before.iteration === after.iteration) left.moved++;
				else left.redrawn++;
			} else if (before.iteration === after.iteration && !this.#same(before, after)) left.redefined++;
		}
	}

	#experiment(assignment: Assignment | undefined): ExperimentDiff | undefined {
		return assignment?.experiment == null ? undefined : this.experiments.get(assignment.experiment);
	}

	#same(before: Assignment, after: Assignment): boolean {
		let known = this.#delivery.get(before);
		if (known === undefined) {
			known = new Map();
			this.#delivery.set(before, known);
		}
		let same = known.get(after);
		if (same === undefined) {
			same =
				before.digest === after.digest &&
				before.model === after.model &&
				isDeepStrictEqual(before.parameters, after.parameters);
			known.set(after, same);
		}
		return same;
	}
}

/** Gets what units get that are in no experiment. */
function isDefault({ variant }: Assignment): boolean {
	return variant === "default";
}

function defaultVersion({ table }: RoutingSide, prompt: string): string | null {
	return table.assign(prompt, {}, {})?.version ?? null;
}

function experimentsOf({ file }: RoutingSide, prompt: string): Map<string, RoutedExperiment> {
	const flag = Object.hasOwn(file.flags, prompt) ? file.flags[prompt] : undefined;
	return new Map((flag === undefined ? [] : routedExperiments(flag.metadata)).map((one) => [one.key, one]));
}

function summary(experiment: RoutedExperiment | undefined): ExperimentDiff["from"] {
	return experiment === undefined ? null : { iteration: experiment.iteration, status: experiment.status };
}
