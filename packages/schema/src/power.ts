import { z } from "zod";
import { Direction, MetricDefinition, MetricKey } from "./metric.ts";
import { Name, PromptName } from "./names.ts";
import { NotEstimable } from "./results.ts";

const Units = z.strictObject({
	kind: z.literal("estimated"),
	/** In all arms together. */
	units: z.int(),
	control: z.int(),
	treatment: z.int(),
});
const Duration = z.strictObject({ kind: z.literal("estimated"), days: z.int(), enrollmentDays: z.int() });
const Value = z.strictObject({ kind: z.literal("estimated"), value: z.number() });

/** What an experiment needs when its result is read in one way. */
export const InferencePlan = z.strictObject({
	inference: z.enum(["fixed", "group-sequential", "hybrid", "always-valid"]),
	/** The way that the experiment has chosen. */
	chosen: z.boolean(),
	/** Fewest enrolled units that find the effect with the power asked for. */
	requiredUnits: z.discriminatedUnion("kind", [Units, NotEstimable]),
	/** Until they have come and are mature, in full weeks; `null` where the traffic is not known. */
	duration: z.discriminatedUnion("kind", [Duration, NotEstimable]).nullable(),
	/** Units at which it ends on average when the effect is there; `null` for an inference without early end. */
	expectedUnits: z.number().nullable(),
	/** Power with the units that were planned; `null` where none were. */
	powerAtPlannedUnits: z.discriminatedUnion("kind", [Value, NotEstimable]).nullable(),
	/** Smallest effect that the planned units find, relative to the baseline, signed. */
	minimumDetectableEffect: z.discriminatedUnion("kind", [Value, NotEstimable]).nullable(),
	/** Power by enrolled units. */
	curve: z.array(z.strictObject({ units: z.int(), power: z.number() })),
});
export type InferencePlan = z.infer<typeof InferencePlan>;

/** `GET /api/v1/power` and `armspan power --json` */
export const PowerPlan = z.strictObject({
	schemaVersion: z.literal(1),
	experiment: Name.nullable(),
	metric: MetricKey.nullable(),
	direction: Direction,
	unit: z.string(),
	/** Where baseline and spread come from. */
	source: z.discriminatedUnion("kind", [
		z.strictObject({
			kind: z.literal("history"),
			prompt: PromptName,
			/** Whose calls give the baseline. */
			version: z.string(),
			since: z.iso.datetime(),
			until: z.iso.datetime(),
			units: z.int(),
			observations: z.int(),
			/** Variance of the metric over that of as many independent observations; `null` where it is not known. */
			designEffect: z.number().nullable(),
		}),
		z.strictObject({ kind: z.literal("given") }),
	]),
	baseline: z.number().nullable(),
	/** What one unit contributes, clustering included; `null` for shares of units and quantiles, which follow from the rest. */
	standardDeviationPerUnit: z.number().nullable(),
	/** Smallest effect worth knowing, relative to the baseline, signed. */
	effect: z.number(),
	/** Of one treatment against control: the experiment's, divided by its treatments. */
	alpha: z.number(),
	power: z.number(),
	arms: z.int(),
	controlShare: z.number(),
	/** Of the smallest treatment. */
	treatmentShare: z.number(),
	/** Share of eligible units that is enrolled. */
	enrolledShare: z.number(),
	maturationDays: z.int(),
	plannedUnits: z.int().nullable(),
	/** Units seen for the first time on each day since the start; the last one holds for later days. */
	newUnitsPerDay: z.array(z.number()).nullable(),
	plans: z.array(InferencePlan),
	caveats: z.array(z.string()),
});
export type PowerPlan = z.infer<typeof PowerPlan>;

/** `GET /api/v1/metrics` and `armspan metrics --json` */
export const MetricList = z.strictObject({
	schemaVersion: z.literal(1),
	metrics: z.array(
		z.strictObject({
			key: MetricKey,
			/** `built-in`, the file of the repository, or the experiment that defines it. */
			definedBy: z.string(),
			unit: z.string(),
			definition: MetricDefinition,
			/** Calls, events or units observed in the window; `null` where no store was asked, and of one's own SQL: unknown. */
			observations: z.int().nullable(),
			/** Units with one, summed over prompts and versions: a unit that used two versions counts in each. */
			versionUnits: z.int().nullable(),
		}),
	),
	/** What was counted; `null` where no store was asked. */
	window: z.strictObject({ since: z.iso.datetime(), until: z.iso.datetime() }).nullable(),
});
export type MetricList = z.infer<typeof MetricList>;

/** `POST /api/v1/sql` */
export const SqlQuestion = z.strictObject({
	statement: z.string().min(1).max(65_536),
	maxRows: z.int().min(1).max(1_000_000).optional(),
	maxExecutionMs: z.int().min(1).max(600_000).optional(),
});
export type SqlQuestion = z.infer<typeof SqlQuestion>;

/** Integers of 64 bits and more are texts. */
export const SqlAnswer = z.strictObject({
	schemaVersion: z.literal(1),
	columns: z.array(z.strictObject({ name: z.string(), type: z.string() })),
	/** As JSON; not described further, since a key may be any text. */
	rows: z.array(z.array(z.unknown())),
	/** There were more rows than are shown. */
	truncated: z.boolean(),
	elapsedMs: z.int(),
});
export type SqlAnswer = z.infer<typeof SqlAnswer>;
