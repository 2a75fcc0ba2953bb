import { type GuardrailEvidence, type GuardrailStatus, guardrailStatus } from "./guardrail-status.ts";
import { intersectionUnion } from "./intersection-union.ts";
import type { NotEstimable } from "./not-estimable.ts";
import { requireAlpha, requireArgument, requirePValues } from "./stats-error.ts";

/** Share of units seen in two arms above which assignment itself is in doubt. */
export const EXCLUDED_SHARE_ALARM = 0.01;

/** What is known of one treatment against control. Every number must hold at the look at which it is read. */
export interface VerdictEvidence {
	/** Level of each requirement to ship, in (0, 1). */
	readonly alpha: number;
	/** False once the planned end is reached or the experiment is stopped. */
	readonly moreToCome: boolean;
	/** Do the units follow the weights? */
	readonly sampleRatio:
		| { readonly kind: "estimated"; readonly pValue: number; readonly mismatch: boolean }
		| NotEstimable;
	/** Units seen in two arms, left out of the analysis, as a share of all units: in [0, 1]. */
	readonly excludedShare: number;
	/**
	 * p-values, adjusted for the number of treatments, that treatment is better (or whatever has to be shown of the primary
	 * metric to ship), and that it is worse.
	 */
	readonly primary:
		| { readonly kind: "estimated"; readonly betterPValue: number; readonly worsePValue: number }
		| NotEstimable;
	/** By metric. */
	readonly guardrails: Readonly<Record<string, GuardrailEvidence>>;
}

export type VerdictKind =
	/** Everything that shipping asks for is shown. */
	| "ship"
	/** Harm is shown. */
	| "halt"
	/** Neither, and data may still tell. */
	| "keep-running"
	/** Neither, and no more data will come. */
	| "inconclusive"
	/** The arms cannot be compared, whatever they show. */
	| "invalid";

/** One thing that a rule found. */
export interface VerdictReason {
	readonly code:
		| "guardrail-breached"
		| "guardrail-inconclusive"
		| "guardrail-unmeasured"
		| "sample-ratio-mismatch"
		| "sample-ratio-unmeasured"
		| "units-in-two-arms"
		| "primary-worse"
		| "primary-undecided"
		| "primary-unmeasured"
		| "all-requirements-shown";
	/** The guardrail metric that it is about; `null` otherwise. */
	readonly metric: string | null;
	/** One sentence for people. */
	readonly message: string;
}

export interface Verdict {
	readonly kind: VerdictKind;
	/** Why, most important first; never empty. */
	readonly reasons: readonly VerdictReason[];
	readonly guardrails: Readonly<Record<string, GuardrailStatus>>;
}

/** What the rules look at. */
interface Known extends VerdictEvidence {
	readonly statuses: Readonly<Record<string, GuardrailStatus>>;
}

interface Finding {
	readonly kind: VerdictKind;
	readonly reasons: readonly VerdictReason[];
}

type Rule = (known: Known) => Finding | null;

/**
 * Most important first; the first that finds something decides. A breach comes before a broken assignment: to halt is
 * prudent even on biased numbers, and a treatment that fails may be what breaks the split. Anything else is not even
 * looked at then.
 */
const RULES: readonly Rule[] = [guardrailBreached, assignmentBroken, primaryWorse, allRequirementsShown, stillOpen];

/**
 * What may be done with one treatment now, by named rules. It never says more than was shown: harm not found is not
 * safety, what was not measured is not good news, and shipping asks for every requirement at once.
 *
 * Several treatments: one verdict each, with p-values adjusted by `armsAgainstControl`.
 *
 * @throws {StatsError} INVALID_ALPHA, INVALID_SHARE, INVALID_P_VALUE, INVALID_STATISTIC
 */
export function verdict(evidence: VerdictEvidence): Verdict {
	const { alpha, excludedShare, sampleRatio, primary, guardrails } = evidence;
	requireAlpha(alpha);
	requireArgument(
		excludedShare >= 0 && excludedShare <= 1,
		"INVALID_SHARE",
		"excludedShare",
		excludedShare,
		"a number in [0, 1]",
	);
	if (sampleRatio.kind === "estimated") requirePValues([sampleRatio.pValue]);
	if (primary.kind === "estimated") requirePValues([primary.betterPValue, primary.worsePValue]);
	const statuses = Object.fromEntries(
		Object.entries(guardrails).map(([metric, guardrail]) => [metric, guardrailStatus(guardrail, alpha)]),
	);
	const known = { ...evidence, statuses };
	for (const rule of RULES) {
		const finding = rule(known);
		if (finding !== null) return { ...finding, guardrails: statuses };
	}
	throw new Error("the last rule always finds something");
}

function guardrailBreached({ guardrails, statuses, ...known }: Known): Finding | null {
	const breached = Object.entries(guardrails).filter(
		([metric, { onBreach = "halt" }]) => statuses[metric] === "breached" && onBreach === "halt",
	);
	if (breached.length === 0) return null;
	const reasons = breached.map(([metric]) => aboutGuardrail(metric, "breached"));
	return { kind: "halt", reasons: [...reasons, ...assignmentReasons(known)] };
}

function assignmentBroken(known: Known): Finding | null {
	const reasons = assignmentReasons(known);
	return reasons.length === 0 ? null : { kind: "invalid", reasons };
}

function primaryWorse({ primary, alpha }: Known): Finding | null {
	if (primary.kind !== "estimated" || !(primary.worsePValue < alpha)) return null;
	const message = `The primary metric is shown to be worse (p = ${primary.worsePValue.toPrecision(2)}).`;
	return { kind: "halt", reasons: [{ code: "primary-worse", metric: null, message }] };
}

function allRequirementsShown({ primary, guardrails, statuses, sampleRatio, alpha }: Known): Finding | null {
	if (primary.kind !== "estimated" || sampleRatio.kind !== "estimated") return null;
	if (Object.values(statuses).some((status) => status !== "passing")) return null;
	const requirements = Object.entries(guardrails).map(([metric, { nonInferiority }]) => [
		`guardrail ${metric}`,
		nonInferiority,
	]);
	const shown = intersectionUnion(
		{ primary: { kind: "estimated", pValue: primary.betterPValue }, ...Object.fromEntries(requirements) },
		alpha,
	);
	if (shown.kind !== "estimated" || !shown.shown) return null;
	const message = `The primary metric is shown to be better and every guardrail not inferior (p = ${shown.pValue.toPrecision(2)}).`;
	return { kind: "ship", reasons: [{ code: "all-requirements-shown", metric: null, message }] };
}

function stillOpen({ primary, sampleRatio, statuses, alpha, moreToCome }: Known): Finding {
	const reasons: VerdictReason[] = [];
	if (primary.kind === "not-estimable") {
		reasons.push({ code: "primary-unmeasured", metric: null, message: `The primary metric: ${primary.message}` });
	} else if (!(primary.betterPValue < alpha)) {
		// 1 stands for no evidence at all, also where there is no p-value of this direction.
		const p = primary.betterPValue < 1 ? ` (p = ${primary.betterPValue.toPrecision(2)})` : "";
		const message = `The primary metric is not shown to be better${p}.`;
		reasons.push({ code: "primary-undecided", metric: null, message });
	}
	for (const [metric, status] of Object.entries(statuses)) {
		if (status !== "passing") reasons.push(aboutGuardrail(metric, status));
	}
	if (sampleRatio.kind === "not-estimable") {
		reasons.push({ code: "sample-ratio-unmeasured", metric: null, message: `The split: ${sampleRatio.message}` });
	}
	return { kind: moreToCome ? "keep-running" : "inconclusive", reasons };
}

const GUARDRAIL_SENTENCES = {
	breached: "is shown to be worse than tolerated",
	inconclusive: "is neither shown to be harmed nor not to be",
	unmeasured: "could not be measured, which is not good news",
} as const;

function aboutGuardrail(metric: string, status: keyof typeof GUARDRAIL_SENTENCES): VerdictReason {
	return { code: `guardrail-${status}`, metric, message: `Guardrail ${metric} ${GUARDRAIL_SENTENCES[status]}.` };
}

function assignmentReasons({
	sampleRatio,
	excludedShare,
}: Pick<Known, "sampleRatio" | "excludedShare">): VerdictReason[] {
	const reasons: VerdictReason[] = [];
	if (sampleRatio.kind === "estimated" && sampleRatio.mismatch) {
		const message = `Units do not follow the weights (p = ${sampleRatio.pValue.toPrecision(2)}).`;
		reasons.push({ code: "sample-ratio-mismatch", metric: null, message });
	}
	if (excludedShare > EXCLUDED_SHARE_ALARM) {
		const message = `${(100 * excludedShare).toPrecision(2)} % of the units were seen in two arms.`;
		reasons.push({ code: "units-in-two-arms", metric: null, message });
	}
	return reasons;
}
