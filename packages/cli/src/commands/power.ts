import type { PowerPlan } from "@armspan/schema";
import { Command, InvalidArgumentError, Option } from "commander";
import { CliError } from "../cli-error.ts";
import { askEvidence, type EvidenceOptions, evidenceOptions } from "../evidence/evidence-source.ts";
import { renderPower } from "../evidence/render-power.ts";
import { integerBetween } from "./options.ts";

interface PowerOptions extends EvidenceOptions {
	metric?: string;
	prompt?: string;
	effect?: number;
	power?: number;
	promptVersion?: string;
	days: number;
	baseline?: number;
	sd?: number;
	unitsPerDay?: number;
	alpha: number;
	direction: "increase" | "decrease";
	weights: number[];
	enrolled: number;
	plannedUnits?: number;
	plannedLooks: number;
	json?: true;
}

const EXAMPLES = `
With the key of an experiment, baseline, spread (clustering by unit included) and traffic are those of its prompt's calls
on the last whole days before today (UTC), and the design is the experiment's; calls of today count from tomorrow on.
With --metric alone they are those of a prompt's calls, for two equal arms; without --effect it is the smallest that as
many units would have shown. Metrics from SQL of your own cannot be planned from history. With --baseline nothing is
asked: a mean with its standard deviation --sd per unit, or a share of units without.

Examples:
  armspan power support-tone --repository ../my-prompts --data ./data
  armspan power support-tone --url http://127.0.0.1:7070 --metric latency --effect 0.1 --json
  armspan power --metric latency --prompt support-reply --url http://127.0.0.1:7070
  armspan power --baseline 0.12 --effect 0.05 --units-per-day 4000
  armspan power --baseline 850 --sd 400 --effect 0.03 --direction decrease --weights 9,1

Exit codes: 0 planned, 1 failed, 2 wrong usage.`;

/** `armspan power` */
export function powerCommand(): Command {
	return evidenceOptions(new Command("power"))
		.description("how many units and days an experiment needs, for each way to read its result")
		.argument("[experiment]", "key of the experiment whose history is planned with")
		.option("--metric <key>", "another metric than the primary one; alone, without an experiment, of a prompt's calls")
		.option("--prompt <name>", "with --metric alone: whose calls, when several prompts were called")
		.option("--effect <share>", "smallest relative effect worth knowing, such as 0.05", between(0, 100))
		.option("--power <probability>", "probability to find it; default: the experiment's, or 0.8", between(0, 1))
		.option("--prompt-version <version>", "version whose calls give the baseline; default: control's")
		.option("--days <n>", "whole UTC days of history before today", integerBetween(1, 90), 14)
		.option(
			"--baseline <number>",
			"plan with this mean or share instead of history",
			between(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY),
		)
		.option(
			"--sd <number>",
			"with --baseline: standard deviation per unit; without it, a share of units",
			between(0, Number.POSITIVE_INFINITY),
		)
		.option("--units-per-day <n>", "with --baseline: eligible new units on a day", between(0, Number.POSITIVE_INFINITY))
		.option("--alpha <number>", "with --baseline: error rate", between(0, 0.5), 0.05)
		.addOption(
			new Option("--direction <direction>", "with --baseline: which way is better")
				.choices(["increase", "decrease"])
				.default("increase"),
		)
		.option("--weights <list>", "with --baseline: of the arms, control first", weights, [1, 1])
		.option("--enrolled <share>", "with --baseline: share of units in the gate", between(0, 1.000001), 1)
		.option("--planned-units <n>", "with --baseline: what so many units would show", integerBetween(100, 1_000_000_000))
		.option("--planned-looks <n>", "with --baseline: looks of a group-sequential test", integerBetween(2, 20), 5)
		.option("--json", "print JSON")
		.addHelpText("after", EXAMPLES)
		.action(async (experiment: string | undefined, options: PowerOptions, command: Command) => {
			const plan = await planOf(experiment, options, command);
			process.stdout.write(options.json ? `${JSON.stringify(plan, undefined, 2)}\n` : renderPower(plan));
		});
}

async function planOf(experiment: string | undefined, options: PowerOptions, command: Command): Promise<PowerPlan> {
	if (
		experiment === undefined
			? options.baseline === undefined && options.metric === undefined
			: options.baseline !== undefined
	) {
		command.error(
			"error: name an experiment whose history is planned with, or --metric, or give --baseline; one of them",
		);
	}
	if (options.prompt !== undefined && (experiment !== undefined || options.baseline !== undefined)) {
		command.error(
			"error: --prompt goes with --metric alone: an experiment has its prompt, and --baseline asks no history",
		);
	}
	if (options.baseline !== undefined) return offlinePlan(options, command);
	const { prompt, metric, effect, power, promptVersion: version, days } = options;
	const plan = await askEvidence(options, (source) =>
		source.power({ experiment, prompt, metric, effect, power, version, days }),
	);
	if (plan !== undefined) return plan;
	throw new CliError(
		"UNKNOWN_EXPERIMENT",
		`experiments/${experiment}.yaml is not in ${options.repository} at ${options.ref}`,
		"commit it, or name another in --repository and --ref",
	);
}

async function offlinePlan(options: PowerOptions, command: Command): Promise<PowerPlan> {
	const { baseline = 0, sd, effect, power = 0.8, unitsPerDay, alpha, direction } = options;
	if (effect === undefined) return command.error("error: --baseline needs --effect, such as --effect 0.05");
	if (sd === undefined && !(baseline > 0 && baseline < 1)) {
		return command.error(
			"error: a --baseline that is no share between 0 and 1 needs --sd, its standard deviation per unit",
		);
	}
	const { powerPlan } = await import("@armspan/service");
	try {
		return powerPlan({
			...{ experiment: null, metric: options.metric ?? null, unit: sd === undefined ? "share" : "" },
			source: { kind: "given" },
			newUnitsPerDay: unitsPerDay === undefined ? null : [unitsPerDay],
			history:
				sd === undefined ? { kind: "proportion", baseline } : { kind: "mean", baseline, variancePerUnit: sd ** 2 },
			design: {
				...{ inference: null, power, direction, weights: options.weights, maturationDays: 0 },
				// Each treatment has its share of the error rate, as in the analysis.
				alpha: alpha / (options.weights.length - 1),
				minimumDetectableEffect: effect,
				enrolledShare: Math.min(1, options.enrolled),
				plannedLooks: options.plannedLooks,
				plannedUnits: options.plannedUnits ?? null,
			},
		});
	} catch (error) {
		if ((error as Error).name !== "StatsError") throw error;
		throw new CliError("INVALID_PLAN", (error as Error).message, "mend the number", { cause: error });
	}
}

/** A number strictly between two others. */
function between(low: number, high: number): (text: string) => number {
	return (text) => {
		const value = text.trim() === "" ? Number.NaN : Number(text);
		if (value > low && value < high) return value;
		const range = Number.isFinite(high) ? ` between ${low} and ${high}` : Number.isFinite(low) ? ` above ${low}` : "";
		throw new InvalidArgumentError(`expected a number${range}, found "${text}"`);
	};
}

function weights(text: string): number[] {
	const found = text.split(",").map(Number);
	if (
		found.length >= 2 &&
		found.length <= 20 &&
		found.every((weight) => Number.isInteger(weight) && weight >= 1 && weight <= 10_000)
	)
		return found;
	throw new InvalidArgumentError(`expected two or more whole numbers such as 9,1, found "${text}"`);
}
