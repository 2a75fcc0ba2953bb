import type { ExperimentResults, MetricComparison, MetricResult } from "@armspan/schema";

const LABELS: Readonly<Record<string, string>> = {
	"error-rate": "error rate",
	latency: "latency",
	cost: "cost per call",
	feedback: "feedback",
	conversion: "conversion",
};

/** The comparison as a plain-text table, one string per line; the same numbers as the API's. */
export function renderResults(results: ExperimentResults): string[] {
	const keys = results.variants.map(({ key }) => key);
	const treatments = keys.slice(1);
	const rows = [
		[
			"",
			...results.variants.map(({ key, version }) => `${key} ${version}`),
			"",
			...treatments.map(
				(key) =>
					`${treatments.length > 1 ? `${key}: ` : ""}change, absolute with ${results.inference === "always-valid" ? "always-valid " : ""}interval`,
			),
		],
		["units", ...results.variants.map(({ units }) => String(units))],
		["calls", ...results.variants.map(({ calls }) => String(calls))],
		...results.metrics.map((metric) => [
			(LABELS[metric.metric] ?? metric.metric) + (metric.role === "secondary" ? "" : ` (${metric.role})`),
			...keys.map((key) => estimate(metric, key)),
			metric.comparisons.map(conclusionOf).join(", "),
			...metric.comparisons.map((comparison) => describeChange(comparison, metric.unit) + lookOf(comparison)),
		]),
	];
	return [
		...table(rows),
		...pairs(results),
		...mixed(results),
		...looksTaken(results),
		"",
		...results.guardrails.map(
			(guardrail) => `guardrail ${guardrail.metric} of ${guardrail.variant}: ${guardrail.status}; ${guardrail.message}`,
		),
		`verdict: ${results.verdict.kind.toUpperCase()}. ${results.verdict.sentence}`,
		...reasons(results),
	];
}

/** Why, one reason a line. That an experiment was halted is said in the sentence already. */
function reasons({ verdict }: ExperimentResults): string[] {
	return verdict.reasons
		.filter(({ rule }) => rule !== "halted")
		.map(({ rule, variant, message }) => `  ${rule}${variant === null ? "" : ` (${variant})`}: ${message}`);
}

/** The same in one line, for logs. */
export function renderResultsLine(results: ExperimentResults): string {
	const units = results.variants.map(({ key, units: count }) => `${key} ${count}`).join(", ");
	const primary = results.metrics.find(({ role }) => role === "primary");
	const comparison = primary?.comparisons[0];
	const change =
		primary === undefined || comparison === undefined || comparison.conclusion === "too-few"
			? ""
			: `; ${primary.metric} ${describeChange(comparison, primary.unit).trim()}`;
	return `units ${units}${change}; ${results.verdict.kind}`;
}

function estimate(metric: MetricResult, key: string): string {
	const found = metric.estimates[key];
	if (found?.kind === "not-estimable" && found.reason === "source-failed") return "failed";
	if (found === undefined || found.kind === "not-estimable") {
		return (metric.observations[key] ?? 0) === 0 ? "none yet" : "too few";
	}
	return quantity(found.value, metric.unit);
}

function conclusionOf({ conclusion, absoluteEffect }: MetricComparison): string {
	if (absoluteEffect.kind === "not-estimable" && absoluteEffect.reason === "source-failed") return "failed";
	return conclusion === "too-few" ? "too few" : conclusion;
}

/** Treatments against each other, below the table, whose columns are of treatments against control. */
function pairs({ metrics, alpha }: ExperimentResults): string[] {
	const rows = metrics.flatMap((metric) =>
		metric.pairwise.map((pair) => [
			LABELS[metric.metric] ?? metric.metric,
			`${pair.variant} against ${pair.against}`,
			conclusionOf(pair),
			describeChange(pair, metric.unit) + lookOf(pair),
		]),
	);
	const level = metrics.flatMap(({ pairwise }) => pairwise)[0]?.alpha;
	return level === undefined
		? []
		: [
				"",
				`pairs of treatments, each at alpha ${number(level)}: ${number(alpha)} shared among the pairs of a metric, and not adjusted for the comparisons with control or for the other metrics`,
				...table(rows),
			];
}

function number(value: number): string {
	return String(Number(value.toPrecision(3)));
}

/** Of which evidence the change is, where that is not all of it. */
function lookOf({ look }: MetricComparison): string {
	return look === null ? "" : `   at ${look.units} units`;
}

/** The arms' columns are of all units, the changes of a planned look: side by side they look like one data set. */
function mixed({ metrics }: ExperimentResults): string[] {
	const looks = new Map(
		metrics.flatMap(({ comparisons }) =>
			comparisons.flatMap(({ look }) => (look === null ? [] : [[look.number, look]])),
		),
	);
	return looks.size === 0
		? []
		: [
				"columns of arms: all units that count now; changes: those of a planned look alone, so they need not be the difference of the columns",
				...[...looks.values()].map(
					({ number, of, units, evidenceUntil }) =>
						`look ${number} of ${of}: ${units} units, evidence until ${evidenceUntil}`,
				),
			];
}

/** How the primary metric was tested, look by look. */
function looksTaken({ metrics }: ExperimentResults): string[] {
	return metrics
		.filter(({ role }) => role === "primary")
		.flatMap(({ metric, comparisons }) =>
			comparisons.flatMap(({ variant, looks }) =>
				looks.map((look) => {
					const at = `${metric} of ${variant} at look ${look.number} of ${look.of}, ${look.units} units: `;
					if (look.kind === "not-tested") return `${at}not tested; ${look.message}`;
					const alone =
						look.basis === "union" ? ", tested alone: no more information, or values of units have grown" : "";
					return `${at}z ${signed(look.zScore, 2, "")}, bound ±${look.bound.toFixed(2)}${alone}`;
				}),
			),
		);
}

/** Relative change as a number to remember, absolute change with the interval that the conclusion is drawn from. */
export function describeChange(
	{ relativeEffect, absoluteEffect }: Pick<MetricComparison, "relativeEffect" | "absoluteEffect">,
	unit: MetricResult["unit"],
): string {
	if (absoluteEffect.kind === "not-estimable") {
		return absoluteEffect.message;
	}
	const relative = relativeEffect.kind === "estimated" ? signed(relativeEffect.value * 100, 1, " %") : "";
	const { value, lower, upper } = absoluteEffect;
	return `${relative.padStart(8)}   ${difference(value, unit)}  [${lower === null ? "−∞" : bound(lower, unit)}, ${upper === null ? "∞" : bound(upper, unit)}]`;
}

/** Decimal places beyond which a number has no meaning left but that of its arithmetic. */
const MAX_MORE_DIGITS = 15;

/** The end of an interval. On which side of 0 it lies is what is concluded from, so it is never rounded to 0. */
function bound(value: number, unit: MetricResult["unit"]): string {
	for (let more = 0; more <= MAX_MORE_DIGITS; more += 1) {
		const shown = difference(value, unit, more);
		if (value === 0 || /[1-9]/.test(shown)) return shown;
	}
	return withSign(value, Math.abs(value).toExponential(0));
}

/** A difference; of shares in percentage points, so that it is not taken for a relative change. */
function difference(value: number, unit: MetricResult["unit"], moreDigits = 0): string {
	return unit === "share"
		? signed(value * 100, 2 + moreDigits, " pp")
		: withSign(value, quantity(Math.abs(value), unit, moreDigits));
}

/** A value of a metric in its unit. */
export function quantity(value: number, unit: MetricResult["unit"], moreDigits = 0): string {
	switch (unit) {
		case "share":
			return `${(value * 100).toFixed(2 + moreDigits)} %`;
		case "ms":
			return `${value.toFixed(moreDigits)} ms`;
		case "usd":
			return `$${value.toPrecision(3)}`;
		case "score":
			return value.toFixed(3 + moreDigits);
		case "ratio":
			return String(Number(value.toPrecision(4)));
		default:
			return `${Number(value.toPrecision(4))} ${unit}`;
	}
}

function signed(value: number, digits: number, suffix: string): string {
	return withSign(value, `${Math.abs(value).toFixed(digits)}${suffix}`);
}

/** What is rounded to 0 has no sign. */
function withSign(value: number, shown: string): string {
	return /[1-9]/.test(shown) ? `${value < 0 ? "−" : "+"}${shown}` : shown.replace(/(\d)\.0+(?!\d)/, "$1");
}

function table(rows: readonly (readonly string[])[]): string[] {
	const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
	return rows.map((row) =>
		row
			.map((cell, column) => cell.padEnd(widths[column] ?? 0))
			.join("  ")
			.trimEnd(),
	);
}
