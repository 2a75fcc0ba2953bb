import {
	type ComparisonPlan,
	compareRatios,
	type GroupSequentialPlan,
	hybridComparison,
	type PlannedMetric,
	planGroupSequential,
	ratioContrast,
	requiredUnits,
	safeguardedContrast,
} from "@armspan/stats";
import { ALPHA, FEW_LOOKS } from "../looks.ts";
import { returningUsers } from "../returning-users.ts";
import { scenario } from "../scenario.ts";
import { bernoulli, normal, type Stream, type StreamData } from "../unit-data.ts";

export const PLANNED_POWER = 0.8;
const fractions = Array.from({ length: FEW_LOOKS }, (_, look) => (look + 1) / FEW_LOOKS);

interface Metric {
	readonly name: string;
	readonly metric: PlannedMetric;
	/** Added to treatment's mean: the minimum detectable effect. */
	readonly effect: number;
	data(units: number): StreamData;
}

const METRICS: readonly Metric[] = [
	{
		name: "mean, +0.1 SD",
		metric: { kind: "mean", baseline: 0, variancePerUnit: 1 },
		effect: 0.1,
		data: (units) => normal(units),
	},
	{
		name: "share, 0.10 → 0.12",
		metric: { kind: "proportion", baseline: 0.1 },
		effect: 0.02,
		data: (units) => bernoulli(0.1, units),
	},
	{
		name: "share, 0.10 → 0.08",
		metric: { kind: "proportion", baseline: 0.1 },
		effect: -0.02,
		data: (units) => bernoulli(0.1, units),
	},
	{
		name: "ratio of returning users, +0.1 SD of a call",
		metric: { kind: "mean", baseline: 0, variancePerUnit: returningUsers().variancePerUnit },
		effect: 0.1,
		data: (units) => returningUsers(units),
	},
];

const obrienFleming = (data: StreamData): GroupSequentialPlan =>
	planGroupSequential({
		alpha: ALPHA,
		sides: 2,
		spending: { kind: "obrien-fleming" },
		power: PLANNED_POWER,
		informationFractions: fractions.map((fraction) => data.informationFraction(fraction)),
	});

const KINDS = [
	"fixed",
	"group-sequential",
	"hybrid",
	"always-valid",
] as const satisfies ComparisonPlan["inference"]["kind"][];
type Kind = (typeof KINDS)[number];

interface PlannedCell {
	readonly key: string;
	readonly share: number;
	readonly effect: number;
	readonly data: StreamData;
	/** Whether this look rejects "no effect"; `look` counts from 0. */
	rejects(stream: Stream, look: number): boolean;
}

function planned({ name, metric, effect, data }: Metric, kind: Kind, share: number): PlannedCell {
	const plan = obrienFleming(data(1000));
	const inference =
		kind === "group-sequential" ? { kind, inflationFactor: plan.inflationFactor } : ({ kind } as { kind: typeof kind });
	const wanted = { scale: "absolute", value: effect } as const;
	const shares = { controlShare: 1 - share, treatmentShare: share };
	const required = requiredUnits({ metric, inference, alpha: ALPHA, ...shares }, wanted, PLANNED_POWER);
	if (required.kind === "not-estimable") throw new Error(required.message);
	const { units } = required;
	const design = { alpha: ALPHA, plannedUnits: units, plannedShare: share };
	return {
		key: `${name}, ${100 * share} %, ${kind}, ${units} units`,
		share,
		effect,
		data: data(units),
		rejects({ control, treatment }, look) {
			const last = look === FEW_LOOKS - 1;
			if (kind === "always-valid" || kind === "hybrid") {
				const options = { control, treatment, ...design };
				const comparison = kind === "hybrid" ? hybridComparison({ ...options, final: last }) : compareRatios(options);
				return comparison.kind === "estimated" && comparison.pValue <= ALPHA;
			}
			if (kind === "fixed" && !last) return false;
			const contrast = (kind === "fixed" ? ratioContrast : safeguardedContrast)(control, treatment);
			if (contrast.kind === "not-estimable") return false;
			const bound = kind === "fixed" ? 1.959964 : plan.looks[look]!.efficacyBound;
			return Math.abs(contrast.difference) >= bound * Math.sqrt(contrast.variance);
		},
	};
}

/** As many units as `requiredUnits` asks for, and the effect that they are to find: is it found as often as planned? */
export const plannedPower = scenario<PlannedCell>({
	name: "planned-power",
	effort: 1,
	cells: METRICS.flatMap((metric) => [
		...KINDS.map((kind) => planned(metric, kind, 0.5)),
		// What is watched or looked at several times has the safeguard, whose price is to be in the plan.
		...KINDS.filter((kind) => kind !== "fixed").map((kind) => planned(metric, kind, 0.1)),
	]),
	simulate({ data, share, effect, rejects }, random, tally) {
		const stream = data.start(share, effect, random);
		let found = false;
		for (let look = 0; look < FEW_LOOKS && !found; look++) {
			stream.advanceTo(Math.round(fractions[look]! * data.observations));
			found = rejects(stream, look);
		}
		tally.count("found", found);
	},
});
