import type {
	Decision,
	Experiment,
	ExperimentResults,
	TreatmentVerdict,
	Verdict,
	VerdictReason,
} from "@armspan/schema";

/** What the rules look at. */
export interface VerdictInputs {
	experiment: Experiment;
	status: ExperimentResults["status"];
	/** Enrolled units that count. */
	units: number;
	treatments: TreatmentVerdict[];
	decisions: readonly Decision[];
	/** Treatments that applications still call although they were halted. */
	routedAfterHalt: readonly { variant: string; at: Date }[];
}

type Finding = Pick<Verdict, "kind" | "sentence" | "reasons">;
type Rule = (inputs: VerdictInputs) => Finding | undefined;

/** What was done, and that there is nothing to tell, come before what the treatments show. */
const RULES: readonly Rule[] = [halted, noData];

/** Most important first: the experiment's verdict is the first that one of its treatments has. */
const IMPORTANCE = ["halt", "invalid", "ship", "keep-running", "inconclusive"] as const;

/** What may be done with the experiment now, in one word and one sentence, with the verdict on each treatment. */
export function verdict(inputs: VerdictInputs): Verdict {
	for (const rule of RULES) {
		const found = rule(inputs);
		if (found !== undefined) {
			return { ...found, treatments: inputs.treatments };
		}
	}
	return { ...ofTreatments(inputs), treatments: inputs.treatments };
}

/** Whether units may still come: the experiment runs, and fewer came than it was planned for. */
export function moreToCome({ experiment, status, units }: Pick<VerdictInputs, "experiment" | "status" | "units">) {
	return status === "running" && units < experiment.plannedUnits;
}

function halted({ status, decisions, routedAfterHalt }: VerdictInputs): Finding | undefined {
	if (status !== "halted") {
		return undefined;
	}
	const halt = decisions.find((decision) => decision.kind === "halt");
	return {
		kind: "halted",
		sentence: `${halt ? `Halted: ${halt.reason}.` : "Halted by a person."} ${
			routedAfterHalt.length === 0 ? "Everybody gets control." : "But an application still routes to treatment."
		}`,
		reasons: [
			...routedAfterHalt.map(({ variant, at }) => ({
				rule: "halt-ignored" as const,
				variant,
				metric: null,
				message: `${variant} was called at ${at.toISOString()}, after the halt: an application does not follow this routing bundle.`,
			})),
			{
				rule: "halted",
				variant: halt?.statistic?.variant ?? null,
				metric: halt?.metric ?? null,
				message: halt
					? `Decision ${halt.id} at ${halt.decidedAt}.`
					: "The experiment file says so, and no decision does.",
			},
		],
	};
}

function noData({ units }: VerdictInputs): Finding | undefined {
	if (units > 0) {
		return undefined;
	}
	return {
		kind: "no-data",
		sentence: "No enrolled call has arrived yet.",
		reasons: [
			{
				rule: "no-data",
				variant: null,
				metric: null,
				message: "Check that the application runs with @armspan/register and reads this routing bundle.",
			},
		],
	};
}

function ofTreatments(inputs: VerdictInputs): Finding {
	const { treatments } = inputs;
	const kind = IMPORTANCE.find((candidate) => treatments.some((treatment) => treatment.kind === candidate));
	if (kind === undefined) {
		throw new TypeError("an experiment has at least one treatment");
	}
	const deciding = treatments.filter((treatment) => treatment.kind === kind);
	const others = treatments.filter((treatment) => treatment.kind !== kind);
	const reasons = [...deciding, ...others].flatMap((treatment) =>
		treatment.kind === "inconclusive" ? [...plannedUnitsReached(inputs), ...treatment.reasons] : treatment.reasons,
	);
	return { kind, sentence: SENTENCES[kind](deciding, inputs), reasons: withoutRepetition(reasons) };
}

const WHEN_TO_LOOK: Readonly<Record<Experiment["inference"], (experiment: Experiment) => string>> = {
	"always-valid": () => "Looking is free: the interval holds at every look.",
	hybrid: () => "Looking is free: the interval holds at every look.",
	fixed: ({ plannedUnits }) => `It is tested once, when ${plannedUnits} units have come.`,
	"group-sequential": ({ plannedUnits, plannedLooks }) =>
		`It is tested at ${plannedLooks} planned looks, the last with ${plannedUnits} units; looking in between changes nothing.`,
};

const SENTENCES: Readonly<
	Record<TreatmentVerdict["kind"], (deciding: readonly TreatmentVerdict[], inputs: VerdictInputs) => string>
> = {
	ship: (deciding, { experiment }) =>
		`${keys(deciding)} may be shipped: better than control in ${experiment.primaryMetric.metric}${
			experiment.guardrails.length === 0 ? "" : ", and every guardrail passes"
		}.`,
	halt: (deciding, { experiment, status }) => {
		const advice = status === "running" ? "Stop it." : "Do not ship it.";
		const breached = withRule(deciding, "guardrail-breached");
		if (breached.length > 0) {
			const metrics = new Set(breached.flatMap(({ reasons }) => reasons.flatMap(({ metric }) => metric ?? [])));
			return `${names(breached)} worse than tolerated in ${[...metrics].join(", ")}. ${advice}`;
		}
		return `${names(deciding)} worse than control in ${experiment.primaryMetric.metric}. ${advice}`;
	},
	invalid: (deciding) =>
		deciding.every(({ reasons }) => reasons.every(({ rule }) => rule === "prompt-undelivered"))
			? "A variant's prompt did not reach the model, so no effect here is the prompt's."
			: "Assignment is broken: no effect here can be trusted.",
	"keep-running": (deciding, { experiment }) => {
		const { metric } = experiment.primaryMetric;
		const better = shownBetter(deciding);
		return better.length > 0
			? `${names(better)} better than control in ${metric}, but not everything that shipping asks for is shown yet.`
			: `No difference in ${metric} can be told yet. ${WHEN_TO_LOOK[experiment.inference](experiment)}`;
	},
	inconclusive: (deciding, { experiment, status }) => {
		const { metric } = experiment.primaryMetric;
		const end =
			status === "running"
				? `The ${experiment.plannedUnits} planned units have come`
				: // Another one may run.
					`Iteration ${experiment.iteration} is not running`;
		const better = shownBetter(deciding);
		return better.length > 0
			? `${end}: ${names(better)} better than control in ${metric}, but not everything that shipping asks for was shown.`
			: `${end}, and no difference in ${metric} was shown${
					experiment.inference === "group-sequential" ? " at its planned looks" : ""
				}.`;
	},
};

function plannedUnitsReached({ experiment, status, units }: VerdictInputs): VerdictReason[] {
	return status === "running" && units >= experiment.plannedUnits
		? [
				{
					rule: "planned-units-reached",
					variant: null,
					metric: null,
					message: `${units} units have come of ${experiment.plannedUnits} planned; to go on for long, begin an iteration with more plannedUnits.`,
				},
			]
		: [];
}

/** Only what is open besides the primary metric keeps these from being shipped. */
function shownBetter(treatments: readonly TreatmentVerdict[]): TreatmentVerdict[] {
	return treatments.filter(({ reasons }) =>
		reasons.every(({ rule }) => rule !== "primary-undecided" && rule !== "primary-unmeasured"),
	);
}

function withRule(treatments: readonly TreatmentVerdict[], rule: VerdictReason["rule"]): TreatmentVerdict[] {
	return treatments.filter(({ reasons }) => reasons.some((reason) => reason.rule === rule));
}

/** What is broken for the whole experiment, or for control, is a reason of every treatment. */
function withoutRepetition(reasons: readonly VerdictReason[]): VerdictReason[] {
	const seen = new Map(reasons.map((reason) => [JSON.stringify([reason.rule, reason.variant, reason.metric]), reason]));
	return [...seen.values()];
}

/** "friendly is", "friendly, terse are" */
function names(treatments: readonly TreatmentVerdict[]): string {
	return `${keys(treatments)} ${treatments.length === 1 ? "is" : "are"}`;
}

function keys(treatments: readonly TreatmentVerdict[]): string {
	return treatments.map(({ variant }) => variant).join(", ");
}
