import type { ExperimentResults, MetricKey, TestedLook, TreatmentVerdict, VerdictReason } from "@armspan/schema";
import { verdict as statisticalVerdict, type VerdictEvidence } from "@armspan/stats";
import type { GuardrailFinding } from "./guardrail-findings.ts";
import { looksSentence } from "./looks-sentence.ts";

/** Share of calls with another text than the variant's own above which its effects say nothing. */
const UNDELIVERED_SHARE_ALARM = 0.05;

export interface TreatmentVerdictOptions {
	readonly variant: string;
	readonly alpha: number;
	readonly moreToCome: boolean;
	readonly sampleRatio: VerdictEvidence["sampleRatio"];
	readonly excludedShare: number;
	readonly primaryMetric: MetricKey;
	readonly primary: VerdictEvidence["primary"];
	/** What was tested of the primary metric; empty without planned looks. */
	readonly primaryLooks: readonly TestedLook[];
	/** Those of this treatment. */
	readonly guardrails: readonly GuardrailFinding[];
	/** Control and this treatment. */
	readonly arms: readonly Pick<ExperimentResults["variants"][number], "key" | "calls" | "undeliveredCalls">[];
}

/** Reasons that concern the experiment as a whole, so that they are the same for each of its treatments. */
const EXPERIMENT_WIDE: ReadonlySet<VerdictReason["rule"]> = new Set([
	"sample-ratio-mismatch",
	"sample-ratio-unmeasured",
	"units-in-two-arms",
]);

/** Reasons that the tests of the primary metric gave. */
const OF_PRIMARY_LOOKS: ReadonlySet<VerdictReason["rule"]> = new Set([
	"primary-worse",
	"primary-undecided",
	"primary-unmeasured",
	"all-requirements-shown",
]);

/**
 * What may be done with one treatment now: the verdict of `@armspan/stats`, and one thing more that it cannot see,
 * whether the variant's text reached the model.
 */
export function treatmentVerdict(options: TreatmentVerdictOptions): TreatmentVerdict {
	const { variant, primaryMetric, primaryLooks, guardrails, arms, ...evidence } = options;
	const found = statisticalVerdict({
		...evidence,
		guardrails: Object.fromEntries(guardrails.map(({ guardrail, evidence: known }) => [guardrail.metric, known])),
	});
	const metricOf = (code: VerdictReason["rule"], metric: string | null): MetricKey | null =>
		code.startsWith("primary-")
			? primaryMetric
			: (guardrails.find(({ guardrail }) => guardrail.metric === metric)?.guardrail.metric ?? null);
	const looks = looksSentence(primaryLooks);
	const reasons = found.reasons.map(
		({ code, metric, message }): VerdictReason => ({
			rule: code,
			variant: EXPERIMENT_WIDE.has(code) ? null : variant,
			metric: metricOf(code, metric),
			message: looks !== "" && OF_PRIMARY_LOOKS.has(code) ? `${message} ${looks}` : message,
		}),
	);
	return withDelivery({ variant, kind: found.kind, reasons }, arms.flatMap(undelivered));
}

/**
 * An arm that got another text than its own cannot be blamed or praised for it. As with a broken assignment, only a
 * breach still counts: to halt is prudent on biased numbers too.
 */
function withDelivery(verdict: TreatmentVerdict, undeliveredArms: readonly VerdictReason[]): TreatmentVerdict {
	if (undeliveredArms.length === 0) {
		return verdict;
	}
	const { variant, kind, reasons } = verdict;
	const breached = reasons.some(({ rule }) => rule === "guardrail-breached") && kind === "halt";
	return breached || kind === "invalid"
		? { variant, kind, reasons: [...reasons, ...undeliveredArms] }
		: { variant, kind: "invalid", reasons: [...undeliveredArms] };
}

function undelivered({ key, calls, undeliveredCalls }: TreatmentVerdictOptions["arms"][number]): VerdictReason[] {
	const share = calls === 0 ? 0 : undeliveredCalls / calls;
	return share <= UNDELIVERED_SHARE_ALARM
		? []
		: [
				{
					rule: "prompt-undelivered",
					variant: key,
					metric: null,
					message: `${(share * 100).toFixed(1)} % of the calls of ${key} were sent another text (armspan.fallback.reason on their spans says why).`,
				},
			];
}
