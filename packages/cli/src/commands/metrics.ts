import type { MetricList } from "@armspan/schema";
import { Command } from "commander";
import { askEvidence, type EvidenceOptions, evidenceOptions } from "../evidence/evidence-source.ts";
import { textTable } from "../evidence/text-table.ts";
import { integerBetween } from "./options.ts";

interface MetricsOptions extends EvidenceOptions {
	days: number;
	offline?: true;
	json?: true;
}

const EXAMPLES = `
Observations are those of the versions that the repository's experiments compare: calls, events or units; of a ratio, calls
whose denominator is known. Version-units are units with one in each version: a user of two versions counts twice. Of metrics from SQL of your own they are unknown here: they belong to an experiment's units.

Examples:
  armspan metrics --offline
  armspan metrics --url http://127.0.0.1:7070 --days 30
  armspan metrics --json | jq '.metrics[] | select(.observations == 0) | .key'

Exit codes: 0 listed, 1 failed, 2 wrong usage.`;

/** `armspan metrics` */
export function metricsCommand(): Command {
	return evidenceOptions(new Command("metrics"))
		.description(
			"which metrics an experiment may name: definition, unit, direction, and how many observations there are",
		)
		.option("--days <n>", "days to count observations in", integerBetween(1, 90), 14)
		.option("--offline", "definitions alone: of the repository, without any evidence")
		.option("--json", "print JSON")
		.addHelpText("after", EXAMPLES)
		.action(async (options: MetricsOptions) => {
			const list = options.offline
				? await definedMetrics(options)
				: await askEvidence(options, (source) => source.metrics(options.days));
			process.stdout.write(options.json ? `${JSON.stringify(list, undefined, 2)}\n` : render(list));
		});
}

async function definedMetrics({ repository, ref }: MetricsOptions): Promise<MetricList> {
	const [{ listMetrics }, { openRegistry }] = await Promise.all([
		import("@armspan/service"),
		import("@armspan/registry"),
	]);
	return listMetrics(await (await openRegistry(repository)).snapshot(ref));
}

/** Rows of one's own SQL are counted for an experiment alone. */
function counted(number: number | null): string {
	return number === null ? "unknown" : number.toLocaleString("en-US");
}

function render({ metrics, window }: MetricList): string {
	const isCounted = window !== null;
	const heading = [
		"metric",
		"unit",
		"better",
		"kind",
		...(isCounted ? ["observations", "version-units"] : []),
		"defined by",
		"what it is",
	];
	const rows = metrics.map(({ key, unit, definition, observations, versionUnits, definedBy }) => [
		...[key, unit, definition.direction === "increase" ? "higher" : "lower"],
		`${definition.kind}${definition.level === undefined ? "" : ` ${definition.level}`} per ${definition.per}`,
		...(isCounted ? [counted(observations), counted(versionUnits)] : []),
		...[definedBy, definition.description],
	]);
	const numeric = isCounted ? [false, false, false, false, true, true] : [];
	const since = window === null ? "" : `observed from ${window.since} to ${window.until}\n\n`;
	return `${since}${textTable([heading, ...rows], numeric).join("\n")}\n`;
}
