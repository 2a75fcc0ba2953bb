import type { ExperimentDiff, PromptDiff, RoutingDiff } from "./compare-routing.ts";
import { shareInterval } from "./share-interval.ts";

/** The comparison as a table for people. */
export function renderRoutingDiff(diff: RoutingDiff, synthetic: boolean): string {
	const count = (hits: number) => (synthetic ? formatShare(hits, diff.units) : hits.toLocaleString("en-US"));
	return [
		...table(
			["experiment", "iteration", "enrolled", "newly enrolled", "unenrolled", "moved to another arm"],
			diff.experiments.map((one) => experimentRow(one, count)),
		),
		...(diff.experiments.length === 0 ? ["no experiment on either side"] : []),
		...diff.experiments.flatMap((one) => experimentNotes(one, count)),
		"",
		...table(
			["prompt", "default version", "get another default", "get another version at all"],
			diff.prompts.map((one) => [
				one.prompt,
				arrow(one.fromDefault ?? "none", one.toDefault ?? "none"),
				count(one.otherDefault),
				count(one.otherDelivery),
			]),
		),
		...diff.prompts.flatMap((one) => promptNotes(one, count)),
		"",
	].join("\n");
}

function experimentRow(one: ExperimentDiff, count: (hits: number) => string): string[] {
	return [
		one.experiment,
		arrow(describeState(one.from), describeState(one.to)),
		arrow(count(one.enrolledBefore), count(one.enrolledAfter)),
		count(one.newlyEnrolled),
		count(one.unenrolled),
		movedCell(one, count),
	];
}

/** Arms of a new iteration are drawn afresh, which is no move. */
function movedCell(one: ExperimentDiff, count: (hits: number) => string): string {
	if (one.moved > 0) return `${count(one.moved)}  ← must be 0`;
	const isNew = one.from !== null && one.to !== null && one.from.iteration !== one.to.iteration;
	return isNew ? `new iteration: ${count(one.redrawn)} drawn into another` : "0";
}

function experimentNotes(one: ExperimentDiff, count: (hits: number) => string): string[] {
	const notes: string[] = [];
	if (one.redrawn > 0) notes.push("all arms are drawn afresh, since the iteration was raised: fresh evidence");
	if (one.redefined > 0)
		notes.push(`${count(one.redefined)} stay in their arm, which delivers something else: raise the iteration`);
	if (one.shadowedBefore + one.shadowedAfter > 0) {
		notes.push(`in shadow: ${arrow(count(one.shadowedBefore), count(one.shadowedAfter))}`);
	}
	return notes.map((note) => `  ${one.experiment}: ${note}`);
}

function promptNotes(one: PromptDiff, count: (hits: number) => string): string[] {
	return one.withoutUnit === 0
		? []
		: [`  ${one.prompt}: ${count(one.withoutUnit)} name no unit of the type it randomizes, so they get the default`];
}

function describeState(state: ExperimentDiff["from"]): string {
	return state === null ? "none" : `${state.iteration} ${state.status}`;
}

function arrow(from: string, to: string): string {
	return from === to ? from : `${from} → ${to}`;
}

/** `20.1 % ± 0.2`; none in a sample is at most `< 0.004 %`. */
function formatShare(hits: number, units: number): string {
	const { share, lower, upper } = shareInterval(hits, units);
	if (hits === 0) return `< ${(upper * 100).toFixed(3)} %`;
	return `${(share * 100).toFixed(2)} % ± ${(((upper - lower) / 2) * 100).toFixed(2)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
	if (rows.length === 0) return [];
	const lines = [head, ...rows];
	const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
	return lines.map((line) =>
		line
			.map((cell, column) => cell.padEnd(widths[column] ?? 0))
			.join("  ")
			.trimEnd(),
	);
}
