import type { ExperimentResults } from "@armspan/schema";
import { Command, Option } from "commander";
import { CliError } from "../cli-error.ts";
import { describeChange, quantity, renderResults } from "../demo/render-results.ts";
import { askEvidence, type EvidenceOptions, evidenceOptions } from "../evidence/evidence-source.ts";
import { renderSegments } from "../evidence/render-segments.ts";
import { resultsCsv } from "../evidence/results-csv.ts";
import { printable } from "../evidence/text-table.ts";
import { ExitStatus } from "../exit-status.ts";
import { integerBetween } from "./options.ts";

interface AnalyzeOptions extends EvidenceOptions {
	iteration?: number;
	pairwise?: true;
	segment?: string | true;
	json?: true;
	csv?: true;
	exitCode?: true;
}

/** What `--exit-code` says of each verdict. */
const VERDICT_STATUS: Readonly<Record<ExperimentResults["verdict"]["kind"], number>> = {
	ship: 0,
	"keep-running": 10,
	inconclusive: 10,
	"no-data": 10,
	halt: 20,
	halted: 20,
	invalid: 30,
};

const EXAMPLES = `
Examples:
  armspan analyze support-tone --repository ../my-prompts --data ./data
  armspan analyze support-tone --url http://127.0.0.1:7070 --segment plan
  armspan analyze support-tone --url http://127.0.0.1:7070 --json | jq .verdict
  armspan analyze support-tone --url http://127.0.0.1:7070 --csv > support-tone.csv
  armspan analyze support-tone --url http://127.0.0.1:7070 --exit-code && armspan …   # only when it may ship

--csv has one row for each metric, arm and stratum (overall, each day of first exposure, each part of each
segment), and with --pairwise one for each pair of treatments.

Evidence is closed where an iteration was halted, or where a service recorded its end (status: stopped and the like);
as long as no service did, everything that arrives counts.

Exit codes: 0 analysed, 1 failed, 2 wrong usage; with --exit-code: 0 ship, 10 keep running, inconclusive or no data,
20 harm is shown or it was halted, 30 invalid: the arms cannot be compared.`;

/** `armspan analyze` */
export function analyzeCommand(): Command {
	return evidenceOptions(new Command("analyze"))
		.description("compare the variants of an experiment: effects with intervals, health of the data, verdict")
		.argument("<experiment>", "key of the experiment")
		.option(
			"--iteration <n>",
			"an earlier iteration, by the design that it was begun with",
			integerBetween(1, 1_000_000),
		)
		.option("--pairwise", "compare treatments with each other, too; alpha is shared among these pairs alone")
		.option("--segment [name]", "results by a segment of the experiment, or by all of them (--json and --csv have all)")
		.addOption(new Option("--json", "the API's document").conflicts("csv"))
		.option("--csv", "a long table")
		.option("--exit-code", "end with a code that tells the verdict")
		.addHelpText("after", EXAMPLES)
		.action(async (key: string, options: AnalyzeOptions) => {
			const asked = { iteration: options.iteration, pairwise: options.pairwise };
			const results = await askEvidence(options, (source) => source.results(key, asked));
			if (results === undefined) {
				throw new CliError(
					"UNKNOWN_EXPERIMENT",
					`experiments/${key}.yaml is not in ${options.repository} at ${options.ref}`,
					"commit it, or name another in --repository and --ref",
				);
			}
			process.stdout.write(
				options.json
					? `${JSON.stringify(results, undefined, 2)}\n`
					: options.csv
						? resultsCsv(results)
						: render(results, segmentOf(options, results)),
			);
			const status = VERDICT_STATUS[results.verdict.kind];
			if (options.exitCode && status !== 0) throw new ExitStatus(status);
		});
}

/** @throws {CliError} UNKNOWN_SEGMENT */
function segmentOf({ segment }: AnalyzeOptions, { segments }: ExperimentResults): string | true | undefined {
	const known = [...new Set(segments.map((part) => part.segment))];
	if (segment === undefined || known.includes(String(segment)) || (segment === true && known.length > 0))
		return segment;
	throw new CliError(
		"UNKNOWN_SEGMENT",
		segment === true
			? "no unit was seen by a segment"
			: `no unit was seen by segment "${segment}"; ${known.length === 0 ? "there are none" : `there are ${known.join(", ")}`}`,
		"name attributes of calls under segments: in the experiment file before the iteration starts",
	);
}

function render(results: ExperimentResults, segment: string | true | undefined): string {
	const { experiment, iteration, status, unit, inference, alpha, maturationHours, closedAtRevision, closedAt } =
		results;
	return [
		`${experiment}, iteration ${iteration}: ${status}; by ${unit}, ${inference}, alpha ${alpha}${maturationHours === null ? "" : `, ${maturationHours} h to mature`}`,
		`evidence until ${results.newestCallAt ?? "now: none"}${closedAtRevision === null ? "" : `, closed at routing revision ${closedAtRevision} and ${closedAt}`}`,
		"",
		...renderResults(results),
		"",
		...health(results),
		...renderWinsorized(results),
		...renderCacheAdjusted(results),
		...(segment === undefined ? [] : ["", ...renderSegments(results, segment)]),
	]
		.map((line) => `${printable(line)}\n`)
		.join("");
}

/** What the cap of a metric hides. */
function renderWinsorized({ metrics }: ExperimentResults): string[] {
	return metrics.flatMap(({ metric, unit, winsorized }) => {
		if (winsorized === null) return [];
		const { cap, cappedShares, uncappedValues } = winsorized;
		const arms = Object.entries(uncappedValues).map(
			([variant, value]) =>
				`${variant} ${quantity(value, unit)} (${((cappedShares[variant] ?? 0) * 100).toFixed(1)} % above the cap)`,
		);
		return [`${metric} is capped at ${quantity(cap, unit)}; without the cap: ${arms.join(", ") || "nothing observed"}`];
	});
}

/** Where the cache served the arms differently, the effects at one share of hits. */
function renderCacheAdjusted({ metrics, warnings }: ExperimentResults): string[] {
	const differing = new Set(
		warnings.filter(({ code }) => code === "cache-hit-rates-differ").map(({ variant }) => variant),
	);
	return metrics.flatMap(({ metric, unit, cacheAdjusted }) =>
		cacheAdjusted
			.filter(({ variant, pooledHitShare }) => differing.has(variant) && pooledHitShare !== null)
			.map(
				(adjusted) =>
					`${metric} of ${adjusted.variant} if ${((adjusted.pooledHitShare ?? 0) * 100).toFixed(1)} % of the calls of both hit the cache: ${describeChange(adjusted, unit).trim()}; no effect of the prompt where the prompt decides what hits`,
			),
	);
}

/** The table says better and worse of each metric as if it were the only one. */
function manyMetrics(metrics: ExperimentResults["metrics"], alpha: number): string[] {
	const others = metrics.filter(({ role }) => role !== "primary").length;
	return others < 2
		? []
		: [
				`note: ${others} metrics beside the primary one are each judged for itself, not adjusted for their number: if nothing differed at all, up to ${Number((others * alpha).toPrecision(2))} of them would be called better or worse on average`,
			];
}

/** Of no units there is nothing to say, and of few that none was found. */
function sampleRatio(
	found: ExperimentResults["sampleRatioMismatch"],
	variants: ExperimentResults["variants"],
): string[] {
	if (variants.every(({ units }) => units === 0)) return [];
	if (found.kind === "not-estimable") return [`sample ratio: ${found.message}`];
	return [
		`sample ratio: ${found.mismatch ? "MISMATCH, nothing may be concluded" : "no mismatch found"} (p ${found.pValue.toPrecision(2)})`,
	];
}

/** What a reader has to know of the data. */
function health({
	sampleRatioMismatch,
	excludedUnits,
	immatureUnits,
	warnings,
	variants,
	metrics,
	alpha,
}: ExperimentResults): string[] {
	const quarantined = variants.reduce((sum, variant) => sum + variant.quarantinedCalls, 0);
	return [
		...sampleRatio(sampleRatioMismatch, variants),
		`left out: ${excludedUnits} units seen in two arms; ${immatureUnits} units that have not matured; values of ${quarantined} quarantined calls`,
		...warnings.map(({ code, message }) => `warning ${code}: ${message}`),
		...manyMetrics(metrics, alpha),
	];
}
