import { z } from "zod";
import { JsonValue } from "./json-value.ts";
import { MetricKey } from "./metric.ts";
import { Name } from "./names.ts";

/** A decision that was taken, with all that is needed to take it again. Append-only. */
export const Decision = z.strictObject({
	id: z.uuid(),
	/** ISO 8601, UTC. */
	decidedAt: z.iso.datetime(),
	/**
	 * `start`: an iteration began to enrol; its time anchors the restarts of the guardrails. `end`: a bundle in which it no
	 * longer runs was deployed, as git says. Evidence is closed at the first `halt` or `end`.
	 */
	kind: z.enum(["start", "halt", "notify", "end"]),
	actor: z.enum(["guardrail", "service"]),
	experiment: Name,
	iteration: z.int().min(1),
	/** Environment whose evidence and routing it is about; decisions from before there were several name none. */
	environment: z.string().optional(),
	/** The guardrail metric; `null` for a start or an end. */
	metric: MetricKey.nullable(),
	/** In words, for people. */
	reason: z.string(),
	/** The statistic that fired and its threshold; `null` for a start or an end. */
	statistic: z
		.strictObject({ name: z.string(), variant: Name, logEValue: z.number(), logThreshold: z.number() })
		.nullable(),
	/** Sufficient statistics and settings from which the statistic is recomputed. */
	inputs: JsonValue,
	/** sha256 of the experiment file that was in force. */
	experimentDigest: z.string(),
	codeVersion: z.string(),
	/** Last routing revision whose assignments count as evidence; the halt writes a higher one, the end has written it. */
	lastRevision: z.int().min(0),
});
export type Decision = z.infer<typeof Decision>;
