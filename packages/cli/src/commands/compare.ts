import type { VersionComparison } from "@armspan/schema";
import { Command, InvalidArgumentError } from "commander";
import { describeChange, quantity } from "../demo/render-results.ts";
import { askEvidence, type EvidenceOptions, evidenceOptions } from "../evidence/evidence-source.ts";
import { printable, textTable } from "../evidence/text-table.ts";
import { integerBetween } from "./options.ts";

interface CompareOptions extends EvidenceOptions {
	from: string;
	to: string;
	metrics?: string[];
	days: number;
	until?: Date;
	json?: true;
}

const EXAMPLES = `
Nobody was randomized between the versions: differences may come from time, users, traffic or models as well. For an
answer that holds, route both in an experiment and ask armspan analyze.

Examples:
  armspan compare support-reply --from 1.0.0 --to 2.0.0 --url http://127.0.0.1:7070
  armspan compare support-reply --from 1.0.0 --to 2.0.0 --data ./data --days 30 --metrics latency,cost --json

Exit codes: 0 compared, 1 failed, 2 wrong usage.`;

/** `armspan compare` */
export function compareCommand(): Command {
	return evidenceOptions(new Command("compare"))
		.description("two versions of a prompt as they were used, before and after a deployment; not randomized")
		.argument("<prompt>", "name of the prompt")
		.requiredOption("--from <version>", "the earlier version: semver label, or sha256-… of a version not released")
		.requiredOption("--to <version>", "the later one; differences are this one minus the other")
		.option("--metrics <keys>", "such as latency,cost; default: the usual built-in ones", metricKeys)
		.option("--days <n>", "days before --until whose calls count", integerBetween(1, 90), 14)
		.option("--until <time>", "such as 2026-11-20 or 2026-11-20T12:00:00Z; default: now", time)
		.option("--json", "the API's document")
		.addHelpText("after", EXAMPLES)
		.action(async (prompt: string, options: CompareOptions, command: Command) => {
			const { from, to, metrics, days, until } = options;
			if (from === to) command.error(`error: --from and --to are both ${from}; name two versions`);
			const comparison = await askEvidence(options, (source) =>
				source.versions({ prompt, from, to, metrics, days, until }),
			);
			process.stdout.write(options.json ? `${JSON.stringify(comparison, undefined, 2)}\n` : render(comparison));
		});
}

function render({ prompt, since, until, confidence, versions, metrics, ...said }: VersionComparison): string {
	const names = versions.map(({ version }) => version);
	const rows = metrics.map(({ metric, unit, estimates, absoluteDifference, relativeDifference }) => [
		metric,
		...names.map((name) => {
			const estimate = estimates[name];
			return estimate?.kind === "estimated" ? quantity(estimate.value, unit) : "too few";
		}),
		describeChange({ absoluteEffect: absoluteDifference, relativeEffect: relativeDifference }, unit).trim(),
	]);
	return [
		`${prompt}: ${names.join(" and ")} as they were used, NOT RANDOMIZED; calls from ${since} to ${until}`,
		...versions.map(({ version, units, calls, days }) => {
			const [first] = days;
			const when = first === undefined ? "" : `, units first seen from ${first} to ${days.at(-1) ?? first}`;
			return `${version}: ${units} units, ${calls} calls${when}`;
		}),
		"",
		...textTable([["", ...names, `difference, absolute with ${confidence * 100} % interval of one look`], ...rows]),
		"",
		...metrics
			.filter(({ absoluteDifference }) => absoluteDifference.kind === "estimated")
			.map(({ sentence }) => sentence),
		"",
		...said.caveats.map((caveat) => `note: ${caveat}`),
		said.recommendation,
	]
		.map((line) => `${printable(line)}\n`)
		.join("");
}

function metricKeys(text: string): string[] {
	const keys = text.split(",").map((key) => key.trim());
	if (keys.every((key) => key !== "")) return [...new Set(keys)];
	throw new InvalidArgumentError(`expected keys such as latency,cost, found "${text}"`);
}

function time(text: string): Date {
	const found = /^\d{4}-\d{2}-\d{2}(T[\d:.]+Z)?$/.test(text) ? new Date(text) : undefined;
	if (found !== undefined && !Number.isNaN(found.getTime())) return found;
	throw new InvalidArgumentError(`expected a time such as 2026-11-20 or 2026-11-20T12:00:00Z, found "${text}"`);
}
