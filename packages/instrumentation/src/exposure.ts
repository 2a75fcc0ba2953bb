import { randomUUID } from "node:crypto";
import type { AssignmentReason } from "@armspan/router";
import {
	ARMSPAN_EVENT_ID,
	EVENT_FEATURE_FLAG_EVALUATION,
	FEATURE_FLAG_CONTEXT_ID,
	FEATURE_FLAG_PROVIDER_NAME,
	FEATURE_FLAG_RESULT_REASON,
	FEATURE_FLAG_SET_ID,
	FEATURE_FLAG_VERSION,
} from "@armspan/schema/semconv";
import { type Attributes, context } from "@opentelemetry/api";
import { BoundedSet } from "./bounded-set.ts";
import type { EventLogger } from "./event-logger.ts";

/** Units remembered as exposed; beyond it one not used lately may be reported again, which costs a row and no truth. */
const REMEMBERED_UNITS = 50_000;

const PROVIDER = "armspan";

export interface Exposure {
	readonly experiment: string;
	readonly iteration: number;
	/** The unit id as routing knows it; it stays in the process. */
	readonly rawUnitId: string;
	/** The unit id as it may leave. */
	readonly unitId: string | undefined;
	readonly reason: AssignmentReason;
	readonly revision: number;
	readonly flagSetId: string;
	/** The call's attributes, the whole assignment. */
	readonly attributes: Attributes;
	/** Segments of the unit, on this event only. */
	readonly segments: Readonly<Attributes>;
}

/** Reports the first use of an assignment by each unit, once per process while it is remembered. */
export class ExposureLog {
	readonly #seen = new BoundedSet(REMEMBERED_UNITS);
	readonly #events: EventLogger;

	constructor(events: EventLogger) {
		this.#events = events;
	}

	/** @returns whether an event was emitted, was not needed, or was dropped for want of a logs API */
	report(exposure: Exposure): "emitted" | "known" | "dropped" {
		const key = `${exposure.experiment}\n${exposure.iteration}\n${exposure.rawUnitId}`;
		if (!this.#seen.add(key)) return "known";
		const attributes: Attributes = {
			...exposure.attributes,
			...exposure.segments,
			[FEATURE_FLAG_RESULT_REASON]: semconvReason(exposure.reason),
			[FEATURE_FLAG_PROVIDER_NAME]: PROVIDER,
			[FEATURE_FLAG_SET_ID]: exposure.flagSetId,
			[FEATURE_FLAG_VERSION]: String(exposure.revision),
			[ARMSPAN_EVENT_ID]: randomUUID(),
		};
		if (exposure.unitId !== undefined) attributes[FEATURE_FLAG_CONTEXT_ID] = exposure.unitId;
		if (this.#events.emit(EVENT_FEATURE_FLAG_EVALUATION, attributes, context.active())) return "emitted";
		this.#seen.delete(key);
		return "dropped";
	}
}

/** The convention knows fewer reasons than routing does. */
function semconvReason(reason: AssignmentReason): string {
	return reason === "split" ? "split" : "default";
}
