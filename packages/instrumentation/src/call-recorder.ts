import { type Attributes, type Context, diag } from "@opentelemetry/api";
import type { Counters } from "./armspan-status.ts";
import { BoundedSet } from "./bounded-set.ts";
import { delivery } from "./delivery.ts";
import type { EventLogger } from "./event-logger.ts";
import { type Exposure, ExposureLog } from "./exposure.ts";
import { ReferenceSigner } from "./reference.ts";
import type { UnitIdMask } from "./unit-id.ts";

/** Where calls leave what is to be recorded of them. Never throws. */
export class CallRecorder {
	readonly counters: Counters;
	readonly maskUnitId: UnitIdMask;
	readonly references: ReferenceSigner;
	readonly #events: EventLogger;
	readonly #exposures: ExposureLog;
	readonly #warned = new BoundedSet(100);

	constructor(
		counters: Counters,
		events: EventLogger,
		maskUnitId: UnitIdMask,
		references: ReferenceSigner = new ReferenceSigner([]),
	) {
		this.counters = counters;
		this.maskUnitId = maskUnitId;
		this.references = references;
		this.#events = events;
		this.#exposures = new ExposureLog(events);
	}

	expose(exposure: Exposure): void {
		const outcome = this.#exposures.report(exposure);
		if (outcome === "emitted") this.counters.exposuresEmitted++;
		else if (outcome === "dropped") this.#dropped();
	}

	emitEvaluation(eventName: string, attributes: Attributes, parent: Context): void {
		if (this.#events.emit(eventName, attributes, parent)) this.counters.evaluationsEmitted++;
		else this.#dropped();
	}

	#dropped(): void {
		this.counters.eventsDropped++;
		delivery().drops.events["no-logs-api"]++;
	}

	rejectEvaluation(why: string): void {
		this.counters.evaluationsRejected++;
		diag.warn(`[armspan] ${why}; not sent`);
	}

	/** Says it the first time, and again only after many other things: a fault of every call is not a line of every call. */
	warnOnce(message: string): void {
		if (!this.#warned.add(message)) return;
		try {
			diag.warn(`[armspan] ${message}`);
		} catch {
			// The diag logger is the application's; the counters keep count.
		}
	}

	/** Runs our own part of a call; what goes wrong in it is counted, and stays here. */
	guard<Result>(part: () => Result): Result | undefined {
		try {
			return part();
		} catch (error) {
			this.counters.internalErrors++;
			logInternalError(error);
			return undefined;
		}
	}
}

/** A diag logger is the application's code too: it may throw. */
function logInternalError(error: unknown): void {
	try {
		diag.error("[armspan] internal error, the application is not affected:", String(error));
	} catch {
		// Counted by the caller; there is nobody left to tell.
	}
}
