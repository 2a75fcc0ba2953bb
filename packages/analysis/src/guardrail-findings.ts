import type { Experiment, Guardrail } from "@armspan/schema";
import { metricScale } from "@armspan/schema";
import { compareOneSided, type GuardrailEvidence, notEstimable, type OneSidedComparison } from "@armspan/stats";
import { adjustedPValues, type PValue } from "./adjusted-p-values.ts";
import { type Evidence, ratioSums } from "./evidence.ts";
import { metricOf } from "./experiment-metrics.ts";
import type { GuardrailCheck } from "./guardrail-check.ts";
import { sinceWhen, startedAt } from "./guardrail-decision.ts";
import type { MetricGuardrailCheck } from "./metric-guardrail-check.ts";
import { type Pair, treatmentPairs } from "./pair.ts";

/** One guardrail of one treatment, with what is known of its harm and of its harmlessness. */
export interface GuardrailFinding {
	readonly guardrail: Guardrail;
	readonly variant: string;
	readonly evidence: GuardrailEvidence;
	/** What a breach consists of, in words. */
	readonly harm: string;
}

/**
 * Harm and harmlessness are two claims. Harm of `error-rate` is the check's e-process, that of other metrics a one-sided
 * comparison; both also see a change that comes late. Non-inferiority is a one-sided comparison of everything since the
 * start for every metric, adjusted for the number of treatments. All of it holds at every look.
 */
export function guardrailFindings(
	checks: readonly GuardrailCheck[],
	metricChecks: readonly MetricGuardrailCheck[],
	experiment: Experiment,
	evidence: Evidence,
): GuardrailFinding[] {
	const pairs = treatmentPairs(experiment);
	return experiment.guardrails.flatMap((guardrail) => {
		const compared = new Map(
			pairs.map((pair) => [pair.variant, compareWithMargin(guardrail, pair, experiment, evidence, pair.alpha)]),
		);
		const pValues = adjustedPValues(
			new Map([...compared].map(([variant, found]): [string, PValue] => [variant, nonInferiorityPValue(found)])),
			experiment.alpha,
		);
		return pairs.map((pair): GuardrailFinding => {
			const isOfThis = (each: GuardrailCheck | MetricGuardrailCheck) =>
				each.guardrail === guardrail && each.variant === pair.variant;
			const check = checks.find(isOfThis);
			const metricCheck = metricChecks.find(isOfThis);
			const nonInferiority = pValues.get(pair.variant);
			if (nonInferiority === undefined) throw new TypeError(`${pair.variant} was not compared`);
			const { harm, words } =
				check !== undefined ? errorHarm(check) : metricCheck !== undefined ? metricHarm(metricCheck) : QUANTILE_HARM;
			return {
				guardrail,
				variant: pair.variant,
				evidence: { harm, nonInferiority, onBreach: guardrail.onBreach },
				harm: words,
			};
		});
	});
}

interface Harm {
	readonly harm: GuardrailEvidence["harm"];
	readonly words: string;
}

function errorHarm(check: GuardrailCheck): Harm {
	const { treatment, control } = check.violations;
	return {
		harm: check.measured
			? { kind: "estimated", logEValue: check.logEValue, logThreshold: check.logThreshold }
			: notEstimable("no-observations", "no call in one of the arms yet"),
		words: `since ${startedAt(check)}: ${treatment} units of ${check.variant} with a failed call, ${control} of control`,
	};
}

function metricHarm({ guardrail, variant, inputs, refused, ...check }: MetricGuardrailCheck): Harm {
	if (refused !== null) return { harm: refused, words: refused.message };
	return {
		harm: { kind: "estimated", logEValue: check.logEValue, logThreshold: check.logThreshold },
		words: `${guardrail.metric} of ${variant} is beyond the margin by ${Math.abs(check.distance ?? 0).toPrecision(3)} ${sinceWhen(inputs)}`,
	};
}

const QUANTILE = notEstimable(
	"out-of-range",
	"A quantile has no non-inferiority test; guard the mean or a share instead.",
);
const QUANTILE_HARM: Harm = { harm: QUANTILE, words: QUANTILE.message };

function compareWithMargin(
	{ metric: key, nonInferiorityMargin }: Guardrail,
	{ against, variant, plannedUnits, plannedShare }: Pair,
	experiment: Experiment,
	evidence: Evidence,
	alpha: number,
): OneSidedComparison | ReturnType<typeof notEstimable> {
	const metric = metricOf(experiment, key);
	if (metric.kind === "quantile") return QUANTILE;
	return compareOneSided({
		control: ratioSums(evidence, against, metric),
		treatment: ratioSums(evidence, variant, metric),
		scale: metricScale(metric),
		...{ alpha, plannedUnits, plannedShare },
		margin: nonInferiorityMargin,
		marginScale: "relative",
		direction: metric.direction,
	});
}

function nonInferiorityPValue(compared: ReturnType<typeof compareWithMargin>): PValue {
	return compared.kind === "estimated" ? { kind: "estimated", pValue: compared.nonInferiorityPValue } : compared;
}
